//! What the README and the manifests' README show must exist: every command line in them is read by the real parser.

use clap::Parser;

use crate::tree::{sources, top};

/// The command lines of a document's code blocks: lines that start with `ark` or with cargo's way to run it.
fn commands(text: &str) -> Vec<String> {
    let mut inside = false;
    let mut commands = Vec::new();
    let mut open: Option<String> = None;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            inside = !inside;
            continue;
        }
        if !inside {
            continue;
        }
        let line = line.trim().trim_start_matches("$ ");
        let mut command = match open.take() {
            Some(start) => format!("{start} {line}"),
            None => line.to_owned(),
        };
        if command.ends_with('\\') {
            command.pop();
            open = Some(command);
            continue;
        }
        let own = command.strip_prefix("ark ").or_else(|| command.strip_prefix("cargo run -- "));
        if let Some(arguments) = own {
            commands.push(arguments.split(['|', '>', '#', ';', '&']).next().unwrap_or_default().trim().to_owned());
        }
    }
    commands
}

#[test]
fn commands_in_documents_exist() {
    let mut seen = 0;
    for source in sources(&[".md"]) {
        for command in commands(&source.text) {
            let words =
                std::iter::once("ark").chain(command.split_whitespace().map(|word| word.trim_matches(['\'', '"'])));
            match ark::cli::Cli::try_parse_from(words) {
                Ok(_) => seen += 1,
                Err(error) if !error.use_stderr() => seen += 1,
                Err(error) => panic!("{}: `ark {command}` is not a command: {error}", source.path),
            }
        }
    }
    assert!(seen >= 8, "only {seen} commands were found");
}

#[test]
fn files_that_the_readme_names_exist() {
    let text = std::fs::read_to_string(top().join("README.md")).expect("a README");
    let links = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    for link in links.filter(|link| !link.contains("://") && !link.starts_with('#')) {
        let path = link.split('#').next().unwrap_or(link);
        assert!(top().join(path).exists(), "the README links to {path}, which does not exist");
    }
}
