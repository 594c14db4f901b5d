"""Makes Matrix exchanges as other clients, homeservers and room versions have them; see ../README.md and ../make-shapes."""
