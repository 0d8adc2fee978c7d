//! Everything that looks at Ark from outside, in one binary: the command line, the house rules, the documents.

mod cli;
mod demo;
mod person;
mod readme;
mod tidy;
mod tree;
