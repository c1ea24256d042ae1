# Overlays, and nothing written.
make_overlays
