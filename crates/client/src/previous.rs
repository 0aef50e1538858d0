//! What the group's last snapshot offers: chunks that need not be uploaded again (formats.md 5.7).
//!
//! Whatever is wrong with it only costs speed: a notice is given, and everything is uploaded.

use crypto::Opener;
use crypto::manifest::Trust;
use format::{
    ArchiveName, BLOB_RAW_MAX, BackupTime, Digest, Index, Manifest, ManifestFile, Snapshot,
};
use remote::BackupSession;

use crate::error::Error;
use crate::options::Protection;
use crate::watch::{BackupWatch, Notice};

/// The manifest of the last snapshot, if it fits the key, and how far it could be checked.
pub(crate) struct Previous(Option<(Manifest, Trust)>);

impl Previous {
    pub async fn find(
        session: &BackupSession,
        snapshot: &Snapshot,
        protection: &Protection,
        watch: &dyn BackupWatch,
    ) -> Result<Previous, Error> {
        let Some(epoch) = session.previous_backup_time().await? else {
            watch.notice(&Notice::NoPrevious);
            return Ok(Previous(None));
        };
        match Previous::load(session, snapshot, epoch, protection, watch).await {
            Ok(loaded) => Ok(Previous(Some(loaded))),
            Err(Error::Remote(error)) if error.status().is_none() => Err(error.into()),
            Err(error) => {
                watch.notice(&Notice::PreviousUnusable(error));
                Ok(Previous(None))
            }
        }
    }

    async fn load(
        session: &BackupSession,
        snapshot: &Snapshot,
        epoch: i64,
        protection: &Protection,
        watch: &dyn BackupWatch,
    ) -> Result<(Manifest, Trust), Error> {
        let time = BackupTime::new(epoch).map_err(format::ManifestError::from)?;
        watch.notice(&Notice::Previous(time));
        let blob = session.previous(&ArchiveName::manifest()).await?;
        let (manifest, json) = open_manifest(&blob)?;
        let wanted = snapshot.group.at(time);
        if manifest.snapshot != wanted {
            return Err(Error::OtherSnapshot {
                wanted: wanted.to_string(),
                found: manifest.snapshot.to_string(),
            });
        }
        let key = protection.key().map(|key| &**key);
        let trust = crypto::manifest::check(&manifest, &json, key)?;
        if key.is_some() {
            crypto::manifest::check_fingerprint(&manifest, key)?;
        }
        Ok((manifest, trust))
    }

    /// The last snapshot, if it has a split archive of this name whose data can be taken over by a run that protects it so.
    ///
    /// What is taken over is not read, and the new manifest vouches for it: a run that signs therefore needs a reference that
    /// is signed, or a server could leave the signature away and choose what files hold. Also says the checksum of the metadata
    /// index that this is true of.
    pub fn reference(
        &self,
        metadata: &ArchiveName,
        payload: &ArchiveName,
        protection: &Protection,
    ) -> Option<(Snapshot, Digest)> {
        let (manifest, trust) = self.0.as_ref()?;
        if protection.key().is_some() && *trust != Trust::Signed {
            return None;
        }
        let usable = |name| {
            let file = manifest.file(name);
            file.filter(|file| file.crypt_mode == protection.mode())
        };
        let (metadata, _) = (usable(metadata)?, usable(payload)?);
        Some((manifest.snapshot.clone(), metadata.csum))
    }

    /// Digests of the same archive in the last snapshot. Asking makes them known to the session.
    pub async fn known(
        &self,
        session: &BackupSession,
        archive: &ArchiveName,
        watch: &dyn BackupWatch,
    ) -> Result<Vec<Digest>, Error> {
        let index = self.index(session, archive, watch).await?;
        let digests = |index: Index| index.iter().map(|(_, digest)| digest).collect();
        Ok(index.map(digests).unwrap_or_default())
    }

    /// The index of the same archive in the last snapshot. Asking makes its chunks known to the session.
    pub async fn index(
        &self,
        session: &BackupSession,
        archive: &ArchiveName,
        watch: &dyn BackupWatch,
    ) -> Result<Option<Index>, Error> {
        let Some((manifest, _)) = &self.0 else {
            return Ok(None);
        };
        let Some(file) = manifest.file(archive) else {
            watch.notice(&Notice::NotInPrevious(archive.clone()));
            return Ok(None);
        };
        let index = async {
            let bytes = session.previous(archive).await?;
            checked_index(file, bytes)
        };
        match index.await {
            Ok(index) => Ok(Some(index)),
            Err(Error::Remote(error)) if error.status().is_none() => Err(error.into()),
            Err(error) => {
                let archive = archive.clone();
                watch.notice(&Notice::IndexUnusable {
                    archive,
                    source: error,
                });
                Ok(None)
            }
        }
    }
}

/// A manifest out of its blob, with its text; nothing about it is checked yet.
pub(crate) fn open_manifest(blob: &[u8]) -> Result<(Manifest, Vec<u8>), Error> {
    format::Blob::parse(blob)?.check_crc()?;
    let mut json = Vec::new();
    Opener::new(None)
        .open(blob, BLOB_RAW_MAX, None, &mut json)
        .map_err(|source| Error::OpenBlob { source })?;
    Ok((Manifest::from_json(&json)?, json))
}

/// An index that is the one the manifest lists.
pub(crate) fn checked_index(file: &ManifestFile, bytes: Vec<u8>) -> Result<Index, Error> {
    let index = Index::parse(&file.filename, bytes)?;
    let differs = |what| Error::NotAsListed {
        archive: file.filename.clone(),
        what,
    };
    if index.size() != file.size {
        return Err(differs("size"));
    }
    if index.csum() != file.csum {
        return Err(differs("checksum"));
    }
    Ok(index)
}
