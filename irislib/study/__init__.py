"""The study: many tokenizers, several seeds each, and what makes their codes mean something."""
