//! Everything that looks at Ark from outside, in one binary: the house rules, to begin with.

mod tidy;
mod tree;
