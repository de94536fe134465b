"""Where documents lie and exports go: S3 and folders."""
