"""What a record is: pydantic models, their field types, checks and portable JSON schemas. Pure."""
