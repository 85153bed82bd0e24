//! `parcours config`: what the settings came out as, secrets hidden.

use serde_json::Value;

use super::Globals;

/// Print the effective configuration (defaults, file, environment, flags) with passwords hidden.
#[derive(Debug, clap::Args)]
pub struct Args {}

pub async fn run(_args: Args, globals: Globals) -> anyhow::Result<()> {
    let shown = serde_json::to_value(globals.config.redacted())?;
    globals.print(&shown, || as_toml(&shown))
}

/// The configuration has two levels, of values that JSON and TOML write alike.
fn as_toml(config: &Value) -> String {
    let mut text = String::new();
    for (section, settings) in config.as_object().into_iter().flatten() {
        text += &format!("[{section}]\n");
        for (name, value) in settings.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null()) {
            text += &format!("{name} = {value}\n");
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn what_is_printed_can_be_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("parcours.toml");
        let config = Config::default();
        std::fs::write(&file, as_toml(&serde_json::to_value(&config).unwrap())).unwrap();
        assert_eq!(Config::load(Some(&file)).unwrap(), config);
    }
}
