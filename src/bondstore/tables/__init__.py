"""Tables: consolidation into sorted files, Parquet, CSV."""
