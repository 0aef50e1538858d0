//! `GET /admin/datastore/{store}/files`: the files of one snapshot.

use api::rest::snapshot::FileItem;
use format::{ArchiveName, CryptMode, Manifest};
use store::SnapshotInfo;

use crate::api::admin::datastore as parent;
use crate::context::Access;
use crate::fault::Fault;
use crate::reply::Answer;
use crate::route::Call;

/// `GET`
pub fn list(call: &Call) -> Result<Answer, Fault> {
    let (_, _, dir) = parent::on_snapshot(call, Access::Read)?;
    let info = dir.info()?;
    let manifest = if info.is_finished() {
        Some(dir.manifest()?)
    } else {
        None
    };
    Answer::data(&items(&info, manifest.as_ref()))
}

/// First what the manifest names, in its order; then the manifest itself, whose size is that of its blob; then what else is on disk.
pub fn items(info: &SnapshotInfo, manifest: Option<&(Manifest, u64)>) -> Vec<FileItem> {
    let mut items = Vec::new();
    if let Some((manifest, blob_len)) = manifest {
        items.extend(manifest.files.iter().map(|file| FileItem {
            filename: file.filename.to_string(),
            crypt_mode: Some(file.crypt_mode),
            size: Some(file.size),
        }));
        let signed = manifest.signature.is_some();
        items.push(FileItem {
            filename: ArchiveName::manifest().to_string(),
            crypt_mode: Some(if signed {
                CryptMode::SignOnly
            } else {
                CryptMode::None
            }),
            size: Some(*blob_len),
        });
    }
    for file in &info.files {
        let name = file.to_string();
        if !items.iter().any(|item| item.filename == name) {
            items.push(FileItem {
                filename: name,
                crypt_mode: None,
                size: None,
            });
        }
    }
    items
}
