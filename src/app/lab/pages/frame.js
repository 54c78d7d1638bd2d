// See DESIGN.
