"""What the declarations mean: entity metadata, its compilation, and the immutable Shape."""
