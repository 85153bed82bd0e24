//! How a member is trained. Every default is explained here and in `models/default.toml`.

use serde::{Deserialize, Serialize};

/// Hyperparameters of one member; part of the model's identity (its hash is in the manifest).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TrainingConfig {
    /// Seed of everything random; member seeds are hash(seed, shard).
    pub seed: u64,
    /// Width of the state vectors.
    pub width: usize,
    /// Upper bound; early stopping on the shard's own validation learners may stop before.
    pub max_epochs: usize,
    pub learning_rate: f64,
    pub weight_decay: f64,
    pub dropout: f64,
    /// Answers in one optimiser step, about.
    pub batch_answers: usize,
    /// Longest run of answers trained on as one sequence; longer ones are cut.
    pub max_sequence: usize,
}

impl Default for TrainingConfig {
    fn default() -> Self {
        Self {
            seed: 20_26,
            width: 64,
            max_epochs: 12,
            learning_rate: 4e-3,
            weight_decay: 1e-5,
            dropout: 0.2,
            batch_answers: 1024,
            max_sequence: 100_000,
        }
    }
}

impl TrainingConfig {
    /// Refuses values that cannot train, naming the field.
    pub fn check(&self) -> Result<(), String> {
        let refuse = |what: &str| Err(what.to_string());
        if !(4..=256).contains(&self.width) {
            return refuse("width must be 4 to 256");
        }
        if !(1..=1000).contains(&self.max_epochs) {
            return refuse("max_epochs must be 1 to 1000");
        }
        if !(self.learning_rate > 0.0 && self.learning_rate <= 1.0) {
            return refuse("learning_rate must lie in (0, 1]");
        }
        if !(0.0..=1.0).contains(&self.weight_decay) {
            return refuse("weight_decay must lie in [0, 1]");
        }
        if !(0.0..0.95).contains(&self.dropout) {
            return refuse("dropout must lie in [0, 0.95)");
        }
        if self.batch_answers == 0 || self.max_sequence < 2 {
            return refuse("batch_answers must be positive and max_sequence at least 2");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use figment::Figment;
    use figment::providers::{Format, Toml};

    use super::*;

    #[test]
    fn the_explained_defaults_are_the_defaults() {
        let explained = Figment::from(Toml::string(include_str!("../../models/default.toml"))).focus("training");
        assert_eq!(explained.extract::<TrainingConfig>().unwrap(), TrainingConfig::default());
        let written: std::collections::BTreeMap<String, serde_json::Value> = explained.extract().unwrap();
        let known = serde_json::to_value(TrainingConfig::default()).unwrap();
        assert_eq!(
            written.keys().collect::<Vec<_>>(),
            known.as_object().unwrap().keys().collect::<std::collections::BTreeSet<_>>().into_iter().collect::<Vec<_>>()
        );
    }

    #[test]
    fn what_cannot_train_is_refused_by_name() {
        assert_eq!(TrainingConfig::default().check(), Ok(()));
        let refused = |config: TrainingConfig, field: &str| assert!(config.check().unwrap_err().contains(field));
        refused(TrainingConfig { width: 3, ..TrainingConfig::default() }, "width");
        refused(TrainingConfig { max_epochs: 0, ..TrainingConfig::default() }, "max_epochs");
        refused(TrainingConfig { learning_rate: f64::NAN, ..TrainingConfig::default() }, "learning_rate");
        refused(TrainingConfig { dropout: 1.0, ..TrainingConfig::default() }, "dropout");
        refused(TrainingConfig { batch_answers: 0, ..TrainingConfig::default() }, "batch_answers");
    }
}
