//! `crds`: the definitions of Ark's own kinds.

use clap::Args;

use super::args::Format;
use super::error::{CliError, Exit};
use super::output::{Output, as_yaml};

/// `crds`.
#[derive(Args, Clone, Debug)]
pub(crate) struct CrdsArgs {
    /// How to print: yaml or json
    #[arg(short, long, value_name = "FORMAT", default_value = "yaml")]
    pub(crate) output: Format,
}

/// Prints the definitions: YAML documents, or one JSON list.
pub(crate) fn run(args: &CrdsArgs, output: &mut Output) -> Result<Exit, CliError> {
    match args.output {
        Format::Yaml => output.text(&yaml_of_all()?)?,
        Format::Json => {
            let items = crate::api::crds();
            let list = serde_json::json!({"apiVersion": "v1", "kind": "List", "items": items});
            output.document(&list, false)?;
        }
        Format::Name => {
            for definition in crate::api::crds() {
                let name = definition.metadata.name.unwrap_or_default();
                output.line(format_args!("customresourcedefinition.apiextensions.k8s.io/{name}"))?;
            }
        }
        Format::Table | Format::Wide => {
            return Err(CliError::usage("definitions are printed as yaml, json or name"));
        }
    }
    Ok(Exit::Done)
}

/// The definitions as YAML documents, which is what deploy/crds.yaml holds.
fn yaml_of_all() -> Result<String, CliError> {
    let mut text = String::new();
    for definition in crate::api::crds() {
        let value = serde_json::to_value(&definition).expect("a definition always serialises");
        if !text.is_empty() {
            text.push_str("---\n");
        }
        text.push_str(&as_yaml(&value)?);
    }
    Ok(text)
}
