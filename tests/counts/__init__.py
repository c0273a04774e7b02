"""What each kind of tick costs, counted: it must not depend on how many models there are."""
