"""What users touch: Model, QuerySet, Repository, Store."""
