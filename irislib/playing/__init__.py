"""Playing: who acts, what is recorded, how good it is."""
