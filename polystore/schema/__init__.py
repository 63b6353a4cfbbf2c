"""What a model is made of: kinds of value, fields, the frozen schema. Pure."""
