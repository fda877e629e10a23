//! The same decisions the obvious way: one touch, one rule after another, texts only.
