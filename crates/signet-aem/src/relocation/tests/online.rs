//! The parts that need an instance, against one that says what a test wants.
