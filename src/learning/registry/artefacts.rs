//! Member weights and their papers on disk.
//!
//! ```text
//! <artefacts>/<tenant>/<weights>.safetensors        named by the hash of its bytes; checked whenever it is read
//! <artefacts>/<tenant>/<weights>.<root>.json        manifest: what it was trained on, how, and what was measured
//! <artefacts>/<tenant>/<root>.leaves                the training set's Merkle leaves: keyed commitments, no learner
//! <artefacts>/<tenant>/<shard>.<input>.checkpoint   a long training in the middle, see `checkpoints`
//! ```
//! Files appear whole or not at all (temporary file, fsync, rename, fsync of the folder). Destroying one means deleting it and
//! flushing the folder: overwriting first is no use on a solid-state disk, which writes elsewhere. Where that matters, encrypt
//! the volume.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::profile::CpuProfile;
use crate::config::TrainingConfig;
use crate::domain::hash::{Digest, Hasher};
use crate::domain::{Micros, ShardId, TenantId};
use crate::learning::train::TrainingReport;
use crate::privacy::merkle::{Leaf, Tree};

/// A member's papers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    pub weights: Digest,
    pub tenant: TenantId,
    pub shard: ShardId,
    pub shards: u16,
    /// Root of the Merkle tree over the training set.
    pub training_root: Digest,
    /// Hash of everything the weights are a function of: training set, catalogue as far as it was used, configuration, seed.
    pub input: Digest,
    pub seed: u64,
    pub config: TrainingConfig,
    pub report: TrainingReport,
    /// Times of the first and the last answer.
    pub first_answer: Option<Micros>,
    pub last_answer: Option<Micros>,
    pub catalog_revision: i64,
    /// Weights are equal to the byte on machines of one profile only.
    pub cpu: CpuProfile,
    pub software: String,
    pub trained_at: Micros,
}

#[derive(Debug, thiserror::Error)]
pub enum ArtefactError {
    #[error("artefact {file} is missing")]
    Missing { file: PathBuf },
    /// The bytes are not the ones the name promises.
    #[error("artefact {file} is corrupt: {why}")]
    Corrupt { file: PathBuf, why: String },
    #[error("artefact {file}")]
    Io {
        file: PathBuf,
        #[source]
        source: std::io::Error,
    },
}

/// The folder of all artefacts; cheap to clone.
#[derive(Debug, Clone)]
pub struct Artefacts {
    root: PathBuf,
}

/// The name of these bytes.
pub fn weights_hash(bytes: &[u8]) -> Digest {
    Hasher::new("parcours 2026 member weights").part(bytes).finish()
}

impl Artefacts {
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    fn folder(&self, tenant: &TenantId) -> PathBuf {
        self.root.join(tenant.as_str())
    }

    pub fn weights_file(&self, tenant: &TenantId, weights: &Digest) -> PathBuf {
        self.folder(tenant).join(format!("{weights}.safetensors"))
    }

    fn manifest_file(&self, tenant: &TenantId, weights: &Digest, root: &Digest) -> PathBuf {
        self.folder(tenant).join(format!("{weights}.{}.json", &root.hex()[..32]))
    }

    fn leaves_file(&self, tenant: &TenantId, root: &Digest) -> PathBuf {
        self.folder(tenant).join(format!("{root}.leaves"))
    }

    /// Writes a member. What is there already, whole, is left alone.
    pub fn put(&self, bytes: &[u8], manifest: &Manifest) -> Result<(), ArtefactError> {
        if self.read(&manifest.tenant, &manifest.weights).is_err() {
            write_whole(&self.weights_file(&manifest.tenant, &manifest.weights), bytes)?;
        }
        let text = serde_json::to_vec_pretty(manifest).expect("a manifest is plain JSON");
        write_whole(&self.manifest_file(&manifest.tenant, &manifest.weights, &manifest.training_root), &text)
    }

    /// Writes a training set's leaves.
    pub fn put_leaves(&self, tenant: &TenantId, tree: &Tree) -> Result<(), ArtefactError> {
        let text: String = tree.leaves().iter().map(|leaf| format!("{} {}\n", leaf.commitment, leaf.content)).collect();
        write_whole(&self.leaves_file(tenant, &tree.root()), text.as_bytes())
    }

    /// A member's bytes, checked against their name.
    pub fn read(&self, tenant: &TenantId, weights: &Digest) -> Result<Vec<u8>, ArtefactError> {
        let file = self.weights_file(tenant, weights);
        let bytes = read(&file)?;
        if weights_hash(&bytes) != *weights {
            return Err(ArtefactError::Corrupt { file, why: "its bytes do not have the hash it is named by".into() });
        }
        Ok(bytes)
    }

    pub fn manifest(&self, tenant: &TenantId, weights: &Digest, root: &Digest) -> Result<Manifest, ArtefactError> {
        let file = self.manifest_file(tenant, weights, root);
        serde_json::from_slice(&read(&file)?).map_err(|error| ArtefactError::Corrupt { file, why: error.to_string() })
    }

    /// The tree of a training set, checked against its root.
    pub fn tree(&self, tenant: &TenantId, root: &Digest) -> Result<Tree, ArtefactError> {
        let file = self.leaves_file(tenant, root);
        let bytes = read(&file)?;
        let leaves: Option<Vec<Leaf>> = String::from_utf8_lossy(&bytes)
            .lines()
            .map(|line| {
                let (commitment, content) = line.split_once(' ')?;
                Some(Leaf { commitment: Digest::from_hex(commitment)?, content: Digest::from_hex(content)? })
            })
            .collect();
        match leaves.and_then(|leaves| Tree::new(leaves).ok()) {
            Some(tree) if tree.root() == *root => Ok(tree),
            _ => Err(ArtefactError::Corrupt { file, why: "its leaves do not have the root it is named by".into() }),
        }
    }

    fn checkpoint_file(&self, tenant: &TenantId, shard: ShardId, input: &Digest) -> PathBuf {
        self.folder(tenant).join(format!("{shard}.{}.checkpoint", input.hex()))
    }

    /// The checkpoint of a shard's training on this input, if one was left.
    pub fn checkpoint(&self, tenant: &TenantId, shard: ShardId, input: &Digest) -> Option<Vec<u8>> {
        fs::read(self.checkpoint_file(tenant, shard, input)).ok()
    }

    pub fn put_checkpoint(&self, tenant: &TenantId, shard: ShardId, input: &Digest, bytes: &[u8]) -> Result<(), ArtefactError> {
        write_whole(&self.checkpoint_file(tenant, shard, input), bytes)
    }

    /// Deletes a shard's checkpoints, but for that of `kept`.
    pub fn forget_checkpoints(&self, tenant: &TenantId, shard: ShardId, kept: Option<&Digest>) -> Result<(), ArtefactError> {
        let (folder, kept) = (self.folder(tenant), kept.map(|input| self.checkpoint_file(tenant, shard, input)));
        let io = |source| ArtefactError::Io { file: folder.clone(), source };
        let Ok(listing) = fs::read_dir(&folder) else { return Ok(()) };
        let mine = |name: &str| name.starts_with(&format!("{shard}.")) && name.ends_with(".checkpoint");
        for entry in listing {
            let entry = entry.map_err(io)?;
            if mine(&entry.file_name().to_string_lossy()) && Some(entry.path()) != kept {
                fs::remove_file(entry.path()).map_err(io)?;
            }
        }
        Ok(())
    }

    /// Deletes every file of the tenant that belongs to none of `kept` (weights if any, training root); what went, by file name.
    pub fn sweep(&self, tenant: &TenantId, kept: &[(Option<Digest>, Digest)]) -> Result<Vec<String>, ArtefactError> {
        let folder = self.folder(tenant);
        let io = |source| ArtefactError::Io { file: folder.clone(), source };
        let listing = match fs::read_dir(&folder) {
            Ok(listing) => listing,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(io(error)),
        };
        let mut names = std::collections::HashSet::new();
        for (weights, root) in kept {
            names.insert(self.leaves_file(tenant, root));
            if let Some(weights) = weights {
                names.insert(self.weights_file(tenant, weights));
                names.insert(self.manifest_file(tenant, weights, root));
            }
        }
        let mut gone = Vec::new();
        for entry in listing {
            let path = entry.map_err(io)?.path();
            if !names.contains(&path) {
                fs::remove_file(&path).map_err(|source| ArtefactError::Io { file: path.clone(), source })?;
                gone.extend(path.file_name().map(|name| name.to_string_lossy().into_owned()));
            }
        }
        if !gone.is_empty() {
            File::open(&folder).and_then(|folder| folder.sync_all()).map_err(io)?;
        }
        Ok(gone)
    }
}

fn read(file: &Path) -> Result<Vec<u8>, ArtefactError> {
    fs::read(file).map_err(|source| match source.kind() {
        std::io::ErrorKind::NotFound => ArtefactError::Missing { file: file.into() },
        _ => ArtefactError::Io { file: file.into(), source },
    })
}

fn write_whole(file: &Path, bytes: &[u8]) -> Result<(), ArtefactError> {
    let write = || {
        let folder = file.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        let mut temporary = tempfile::NamedTempFile::new_in(folder)?;
        temporary.write_all(bytes)?;
        temporary.as_file().sync_all()?;
        temporary.persist(file).map_err(|error| error.error)?;
        File::open(folder)?.sync_all()
    };
    write().map_err(|source| ArtefactError::Io { file: file.into(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(weights: Digest, root: Digest) -> Manifest {
        Manifest {
            weights,
            tenant: TenantId::default(),
            shard: ShardId(1),
            shards: 8,
            training_root: root,
            input: root,
            seed: 7,
            config: TrainingConfig::default(),
            report: serde_json::from_str(
                r#"{"learners":3,"answers":9,"epochs":1,"steps":1,"parameters":5,"validation_auc":null,"validation_log_loss":null}"#,
            )
            .unwrap(),
            first_answer: None,
            last_answer: Some(Micros(9)),
            catalog_revision: 2,
            cpu: CpuProfile::here(),
            software: "test".into(),
            trained_at: Micros(1),
        }
    }

    #[test]
    fn a_member_comes_back_and_a_changed_byte_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let artefacts = Artefacts::new(folder.path());
        let tenant = TenantId::default();
        let weights = weights_hash(b"weights");
        let root = Tree::default().root();
        artefacts.put(b"weights", &manifest(weights, root)).unwrap();
        artefacts.put_leaves(&tenant, &Tree::default()).unwrap();
        assert_eq!(artefacts.read(&tenant, &weights).unwrap(), b"weights");
        assert_eq!(artefacts.manifest(&tenant, &weights, &root).unwrap(), manifest(weights, root));
        assert_eq!(artefacts.tree(&tenant, &root).unwrap(), Tree::default());

        fs::write(artefacts.weights_file(&tenant, &weights), b"weightz").unwrap();
        assert!(matches!(artefacts.read(&tenant, &weights), Err(ArtefactError::Corrupt { .. })));
        // Writing it again repairs it.
        artefacts.put(b"weights", &manifest(weights, root)).unwrap();
        assert!(artefacts.read(&tenant, &weights).is_ok());
    }

    #[test]
    fn a_sweep_leaves_what_is_still_named_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let artefacts = Artefacts::new(folder.path());
        let tenant = TenantId::default();
        let (kept, gone) = (weights_hash(b"kept"), weights_hash(b"gone"));
        let root = Tree::default().root();
        artefacts.put(b"kept", &manifest(kept, root)).unwrap();
        artefacts.put(b"gone", &manifest(gone, root)).unwrap();
        artefacts.put_leaves(&tenant, &Tree::default()).unwrap();
        assert_eq!(artefacts.sweep(&tenant, &[(Some(kept), root)]).unwrap().len(), 2);
        assert!(artefacts.read(&tenant, &kept).is_ok());
        assert!(artefacts.tree(&tenant, &root).is_ok());
        assert!(matches!(artefacts.read(&tenant, &gone), Err(ArtefactError::Missing { .. })));
    }
}
