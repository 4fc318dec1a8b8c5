"""The networks: described by manifests, verified, added and removed."""
