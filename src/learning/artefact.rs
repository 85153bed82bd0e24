//! A trained member as bytes, and back: safetensors with one metadata key, so that equal members are equal bytes.

use std::collections::{BTreeMap, HashMap};

use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::predictor::LoadError;

/// What is written under the one metadata key, [`KEY`]; safetensors keeps metadata in a map of no fixed order, so there is one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// Bumped by every change of what the tensors mean.
    pub format: u32,
    pub width: usize,
    /// Ids of the rows of `item.vector` and `skill.vector`.
    pub items: Vec<String>,
    pub skills: Vec<String>,
}

pub const FORMAT: u32 = 2;
const KEY: &str = "parcours";

/// Tensors by name: (shape, values).
pub type Tensors = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

/// # Errors
/// A shape and its values disagree.
pub fn encode(header: &impl Serialize, tensors: &Tensors) -> Result<Vec<u8>, LoadError> {
    let corrupt = |error: &dyn std::fmt::Display| LoadError::Corrupt(error.to_string());
    let metadata = serde_json::to_string(header).map_err(|error| corrupt(&error))?;
    let bytes: Vec<(&String, &Vec<usize>, Vec<u8>)> = tensors
        .iter()
        .map(|(name, (shape, values))| (name, shape, values.iter().flat_map(|value| value.to_le_bytes()).collect()))
        .collect();
    let views = bytes
        .iter()
        .map(|(name, shape, bytes)| Ok((name.as_str(), TensorView::new(Dtype::F32, shape.to_vec(), bytes)?)))
        .collect::<Result<Vec<_>, safetensors::SafeTensorError>>()
        .map_err(|error| corrupt(&error))?;
    safetensors::serialize(views, Some(HashMap::from([(KEY.to_string(), metadata)]))).map_err(|error| corrupt(&error))
}

/// # Errors
/// The bytes are not safetensors, not of this format, or hold something else than finite 32-bit floats.
pub fn decode(bytes: &[u8]) -> Result<(Header, Tensors), LoadError> {
    let (header, tensors): (Header, Tensors) = decode_as(bytes)?;
    if header.format != FORMAT {
        return Err(LoadError::Corrupt(format!("format {} is not {FORMAT}", header.format)));
    }
    Ok((header, tensors))
}

/// The same with a header of any kind.
///
/// # Errors
/// As [`decode`], but for the format.
pub fn decode_as<H: DeserializeOwned>(bytes: &[u8]) -> Result<(H, Tensors), LoadError> {
    let corrupt = |error: &dyn std::fmt::Display| LoadError::Corrupt(error.to_string());
    let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(|error| corrupt(&error))?;
    let header =
        metadata.metadata().as_ref().and_then(|metadata| metadata.get(KEY)).ok_or_else(|| LoadError::Corrupt("no header".into()))?;
    let header: H = serde_json::from_str(header).map_err(|error| corrupt(&error))?;
    let mut tensors = Tensors::new();
    for (name, view) in SafeTensors::deserialize(bytes).map_err(|error| corrupt(&error))?.tensors() {
        if view.dtype() != Dtype::F32 {
            return Err(LoadError::Corrupt(format!("tensor {name} is not of 32-bit floats")));
        }
        let values: Vec<f32> =
            view.data().chunks_exact(4).map(|bytes| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])).collect();
        if !values.iter().all(|value| value.is_finite()) {
            return Err(LoadError::Corrupt(format!("tensor {name} has a value that is not finite")));
        }
        tensors.insert(name, (view.shape().to_vec(), values));
    }
    Ok((header, tensors))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_survives_the_round_trip_and_nothing_else_does() {
        let header = Header { format: FORMAT, width: 2, items: vec!["é".into()], skills: vec![] };
        let tensors = Tensors::from([("a".to_string(), (vec![1, 2], vec![1.5, -2.0])), ("b".to_string(), (vec![1], vec![0.25]))]);
        let bytes = encode(&header, &tensors).unwrap();
        assert_eq!(bytes, encode(&header, &tensors).unwrap());
        assert_eq!(decode(&bytes).unwrap(), (header.clone(), tensors.clone()));
        assert!(decode(&bytes[..bytes.len() - 1]).is_err());
        assert!(decode(b"not a model at all").is_err());
        let other = Header { format: FORMAT + 1, ..header.clone() };
        assert!(decode(&encode(&other, &tensors).unwrap()).is_err());
        let poisoned = Tensors::from([("a".to_string(), (vec![1], vec![f32::NAN]))]);
        assert!(decode(&encode(&header, &poisoned).unwrap()).is_err());
    }
}
