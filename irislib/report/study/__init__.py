"""What the report says of the study."""
