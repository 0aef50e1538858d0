//! `benchmark`: how fast this machine hashes, compresses and encrypts, and how fast a server
//! takes what it makes (cli.md 3.9).
//!
//! Every measurement has its time and ends with it; nothing is stored anywhere.

use anyhow::Result;
use console::output::OutputArgs;
use console::table::Column;
use format::{BackupTime, Namespace, Snapshot};
use remote::BackupTarget;
use serde_json::{Map, Value, json};

use crate::connection::connect;
use crate::context::{Context, now};
use crate::keys::{KeyArgs, KeyFileArgs, Offer, choose};
use crate::repository::{RepositoryArgs, Target};

mod local;
mod upload;

/// Measure upload, hashing, compression and encryption; this takes about twelve seconds.
///
/// Without a repository the upload is left out.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  strongroom benchmark
  strongroom benchmark --repository vault:tank --output-format json")]
pub struct Args {
    /// File with the encryption key; otherwise the default key or a random one.
    #[arg(long)]
    keyfile: Option<std::path::PathBuf>,

    /// Ask the server to bypass its cache of an object store.
    #[arg(long)]
    no_cache: bool,

    #[command(flatten)]
    repository: RepositoryArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// What is measured: key of the record, row of the table, word of the log line, and the speed
/// that counts as 100 %, in MB/s: that of the original's reference machine.
struct Row(&'static str, &'static str, &'static str, u32);

const TLS: Row = Row("tls", "TLS (maximal backup upload speed)", "TLS", 1235);
const SHA256: Row = Row(
    "sha256",
    "SHA256 checksum computation speed",
    "SHA256",
    2022,
);
const COMPRESS: Row = Row(
    "compress",
    "ZStd level 1 compression speed",
    "Compression",
    752,
);
const DECOMPRESS: Row = Row(
    "decompress",
    "ZStd level 1 decompression speed",
    "Decompress",
    1198,
);
const VERIFY: Row = Row("verify", "Chunk verification speed", "Verify", 758);
const AES: Row = Row(
    "aes256_gcm",
    "AES256 GCM encryption speed",
    "AES256/GCM",
    3645,
);
/// In the table's order.
const ROWS: [&Row; 6] = [&TLS, &SHA256, &COMPRESS, &DECOMPRESS, &VERIFY, &AES];

pub async fn run(args: Args, context: &Context) -> Result<()> {
    let output = context.output(&args.output)?;
    let repository = match args.repository.is_absent(&context.environment) {
        true => None,
        false => Some(args.repository.resolve(&context.environment)?),
    };
    let file = KeyFileArgs {
        keyfile: args.keyfile,
        keyfd: None,
    };
    let offer = Offer::for_reading(
        &KeyArgs {
            file,
            crypt_mode: None,
        },
        context,
    )?;
    let key = choose(offer)?.load(context)?.map(|loaded| loaded.key);

    let mut record = Record::new();
    if let Some(repository) = repository {
        record.set(&TLS, upload(repository, args.no_cache, context).await?);
    }
    let bench = local::Bench::new(key)?;
    record.set(&SHA256, bench.sha256());
    record.set(&COMPRESS, bench.compress()?);
    record.set(&DECOMPRESS, bench.decompress()?);
    record.set(&AES, bench.encrypt()?);
    record.set(&VERIFY, bench.verify()?);

    let columns: Vec<Column<'_>> = ROWS
        .map(|Row(key, name, _, _)| Column::text(key).header(name).render(cell))
        .into();
    Ok(output.object(&record.value(), &columns)?)
}

async fn upload(repository: Target, no_cache: bool, context: &Context) -> Result<f64> {
    let at = connect(context, repository, None).await?;
    let group = "host/benchmark".parse()?;
    let target = BackupTarget {
        store: at.repository.store.clone(),
        namespace: Namespace::root(),
        snapshot: Snapshot::new(group, BackupTime::new(now())?),
        debug: false,
        benchmark: true,
        no_cache,
    };
    upload::speed(at.client.start_backup(&target).await?).await
}

/// The speeds that were measured, in bytes per second.
struct Record(Map<String, Value>);

impl Record {
    fn new() -> Record {
        let all = ROWS.map(|Row(key, _, _, top)| {
            let top = f64::from(*top) * 1e6;
            (key.to_string(), json!({ "top": top }))
        });
        Record(all.into_iter().collect())
    }

    fn set(&mut self, Row(key, _, word, _): &Row, speed: f64) {
        tracing::info!("{word} speed: {:.2} MB/s", speed / 1e6);
        self.0[*key]["speed"] = speed.into();
    }

    fn value(self) -> Value {
        Value::Object(self.0)
    }
}

fn cell(value: &Value, _: &Value) -> String {
    let (Some(speed), Some(top)) = (value["speed"].as_f64(), value["top"].as_f64()) else {
        return "not tested".into();
    };
    format!("{:.2} MB/s ({:.0}%)", speed / 1e6, speed * 100.0 / top)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_has_all_rows_and_the_measured_speeds() {
        let mut record = Record::new();
        record.set(&AES, 3.645e9);
        let value = record.value();
        assert_eq!(value.as_object().unwrap().len(), 6);
        assert_eq!(value["tls"], json!({"top": 1_235_000_000.0}));
        assert_eq!(
            console::json::line(&value["aes256_gcm"]),
            r#"{"speed":3645000000.0,"top":3645000000.0}"#
        );
    }

    #[test]
    fn cells() {
        for (value, expected) in [
            (
                json!({"top": 1.235e9, "speed": 428.84e6}),
                "428.84 MB/s (35%)",
            ),
            (json!({"top": 1.235e9}), "not tested"),
        ] {
            assert_eq!(cell(&value, &Value::Null), expected);
        }
    }
}
