//! The fuzz targets' seeds run in the ordinary tests, through the same checks.

