"""EDF and BDF: header, annotations, and identity taken out."""
