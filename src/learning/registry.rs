//! Model versions: training all or some shards from the store, artefacts on disk, promotion behind the fence, loading for serving.
