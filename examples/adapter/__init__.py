"""A third-party adapter, whole: the package, its declaration as an entry point, its proof."""
