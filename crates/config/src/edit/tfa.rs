//! Second factors: add, change, remove, unlock, and check an answer (server.md 8.1, 8.2), each as one step under the lock of the file.

use api::rest::access::{TfaAdd, TfaAdded, TfaChange, TfaType};
use api::schema::{ParamErrors, ValueError};
use format::Userid;

use super::error::EditError;
use crate::dir::{ConfigDir, FileSpec, Locked};
use crate::failures::{FailureDir, Failures};
use crate::files::{Entry, Factors, RECOVERY_ID, Recovery, Tfa, TotpEntry, Webauthn};
use crate::recovery;
use crate::totp::{self, Totp};

/// Factors of one kind that a user may have; each one makes a wrong code likelier to be right.
const ENTRIES_MAX: usize = 32;
/// Wrong TOTP codes in a row after which none is looked at.
const TOTP_FAILURES_MAX: u32 = 8;
/// Wrong answers in a row after which none is looked at for [`LOCK_S`].
const TFA_FAILURES_MAX: u32 = 100;
/// An hour.
const LOCK_S: i64 = 3600;

/// The answer to the challenge of a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TfaAnswer<'a> {
    Totp(&'a str),
    Recovery(&'a str),
}

/// How an answer was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TfaOutcome {
    Right,
    Wrong,
    /// Not looked at.
    Locked,
}

/// The file, locked and read.
struct Open<'a> {
    lock: Locked<'a>,
    tfa: Tfa,
}

impl Open<'_> {
    fn of(dir: &ConfigDir) -> Result<Open<'_>, EditError> {
        let lock = dir.lock(FileSpec::TFA)?;
        let tfa = Tfa::parse(&lock.read(None)?.0)?;
        Ok(Open { lock, tfa })
    }

    fn factors(&mut self, user: &Userid) -> &mut Factors {
        self.tfa.users.entry(user.clone()).or_default()
    }

    /// A user without factors is not written.
    fn close(mut self) -> Result<(), EditError> {
        self.tfa.users.retain(|_, factors| !factors.is_empty());
        Ok(self.lock.replace(self.tfa.print()?.as_bytes())?)
    }
}

/// Adds a factor of a kind that this program can check.
pub fn add_tfa(dir: &ConfigDir, request: &TfaAdd, now: i64) -> Result<TfaAdded, EditError> {
    match request.kind {
        TfaType::Totp => add_totp(dir, request, now),
        TfaType::Recovery => add_recovery(dir, request, now),
        kind => Err(EditError::TfaNotBuilt(kind)),
    }
}

fn add_totp(dir: &ConfigDir, request: &TfaAdd, now: i64) -> Result<TfaAdded, EditError> {
    if request.challenge.is_some() {
        return Err(ParamErrors::one("challenge", ValueError::Unknown).into());
    }
    let wanted = |name: &str, value: &Option<String>| {
        let missing = || ParamErrors::one(name, ValueError::Missing);
        value.clone().ok_or_else(missing)
    };
    let description = wanted("description", &request.description)?;
    let code = wanted("value", &request.value)?;
    let totp: Totp = wanted("totp", &request.totp)?
        .parse()
        .map_err(|error: totp::TotpError| {
            ParamErrors::one("totp", ValueError::Other(error.to_string()))
        })?;
    if totp.is_weak() {
        let weak = format!(
            "a new secret has at least {} bytes and makes codes of at least {} digits",
            totp::NEW_SECRET_BYTES_MIN,
            totp::NEW_DIGITS_MIN
        );
        return Err(ParamErrors::one("totp", ValueError::Other(weak)).into());
    }
    if totp.matching_count(&code, now).is_none() {
        return Err(EditError::TfaCode);
    }
    let mut open = Open::of(dir)?;
    let known = &mut open.factors(&request.userid).totp;
    if known.len() >= ENTRIES_MAX {
        return Err(EditError::TfaTooMany(ENTRIES_MAX));
    }
    let id = uuid::Uuid::new_v4().to_string();
    known.push(Entry {
        id: id.clone(),
        description,
        created: now,
        enable: true,
        entry: TotpEntry::new(totp),
    });
    open.close()?;
    Ok(TfaAdded {
        id: Some(id),
        ..TfaAdded::default()
    })
}

/// A new set takes the place of the one before.
fn add_recovery(dir: &ConfigDir, request: &TfaAdd, now: i64) -> Result<TfaAdded, EditError> {
    let others = [
        ("description", &request.description),
        ("totp", &request.totp),
        ("value", &request.value),
        ("challenge", &request.challenge),
    ];
    if let Some((name, _)) = others.into_iter().find(|(_, value)| value.is_some()) {
        return Err(ParamErrors::one(name, ValueError::Unknown).into());
    }
    let made = recovery::new_codes()?;
    let mut open = Open::of(dir)?;
    open.factors(&request.userid).recovery = Some(Recovery {
        secret: made.secret,
        entries: made.hashes.into_iter().map(Some).collect(),
        created: now,
    });
    open.close()?;
    Ok(TfaAdded {
        id: Some(RECOVERY_ID.to_owned()),
        challenge: None,
        recovery: made.codes.iter().map(|code| code.to_string()).collect(),
    })
}

/// Changes what a factor is called, or whether it counts.
pub fn update_tfa(dir: &ConfigDir, request: &TfaChange) -> Result<(), EditError> {
    let mut open = Open::of(dir)?;
    let factors = open.factors(&request.userid);
    if request.id == RECOVERY_ID && factors.recovery.is_some() {
        return Err(EditError::TfaRecoveryChange);
    }
    let (name, enabled) =
        label(factors, &request.id).ok_or_else(|| EditError::TfaMissing(request.id.clone()))?;
    if let Some(description) = &request.description {
        name.clone_from(description);
    }
    if let Some(enable) = request.enable {
        *enabled = enable;
    }
    open.close()
}

/// What the factor of this id is called and whether it counts, whatever its kind.
fn label<'a>(factors: &'a mut Factors, id: &str) -> Option<(&'a mut String, &'a mut bool)> {
    fn within<'a, T>(
        entries: &'a mut [Entry<T>],
        id: &str,
    ) -> Option<(&'a mut String, &'a mut bool)> {
        let entry = entries.iter_mut().find(|entry| entry.id == id)?;
        Some((&mut entry.description, &mut entry.enable))
    }
    let Factors {
        totp,
        u2f,
        webauthn,
        yubico,
        ..
    } = factors;
    within(totp, id)
        .or_else(|| within(u2f, id))
        .or_else(|| within(webauthn, id))
        .or_else(|| within(yubico, id))
}

/// Removes a factor of any kind.
pub fn remove_tfa(dir: &ConfigDir, user: &Userid, id: &str) -> Result<(), EditError> {
    let mut open = Open::of(dir)?;
    let factors = open.factors(user);
    let before = factors.items().len();
    factors.totp.retain(|entry| entry.id != id);
    factors.u2f.retain(|entry| entry.id != id);
    factors.webauthn.retain(|entry| entry.id != id);
    factors.yubico.retain(|entry| entry.id != id);
    factors.recovery.take_if(|_| id == RECOVERY_ID);
    if factors.items().len() == before {
        return Err(EditError::TfaMissing(id.to_owned()));
    }
    open.close()
}

/// Removes all factors of a user; the file is touched only if there are any.
pub(super) fn remove_all_tfa(dir: &ConfigDir, user: &Userid) -> Result<(), EditError> {
    let mut open = Open::of(dir)?;
    match open.tfa.users.remove(user) {
        Some(_) => open.close(),
        None => Ok(()),
    }
}

/// Takes both locks away and forgets what was wrong; true if anything was locked.
pub fn unlock_tfa(
    dir: &ConfigDir,
    failures: &FailureDir,
    user: &Userid,
    now: i64,
) -> Result<bool, EditError> {
    let mut open = Open::of(dir)?;
    failures.clear(user)?;
    let Some(factors) = open.tfa.users.get_mut(user) else {
        return Ok(false);
    };
    let locked = factors.totp_locked || factors.is_locked(now);
    let stands = factors.totp_locked || factors.tfa_locked_until.is_some();
    factors.totp_locked = false;
    factors.tfa_locked_until = None;
    if stands {
        open.close()?;
    }
    Ok(locked)
}

/// Checks an answer, uses it up, counts it if it is wrong, and locks.
pub fn answer_tfa(
    dir: &ConfigDir,
    failures: &FailureDir,
    user: &Userid,
    answer: TfaAnswer<'_>,
    now: i64,
) -> Result<TfaOutcome, EditError> {
    let mut open = Open::of(dir)?;
    let Some(factors) = open.tfa.users.get_mut(user) else {
        return Ok(TfaOutcome::Wrong);
    };
    let is_totp = matches!(answer, TfaAnswer::Totp(_));
    if factors.is_locked(now) || is_totp && factors.totp_locked {
        return Ok(TfaOutcome::Locked);
    }
    if factors.take(answer, now) {
        // A code that was used is stored as used before anybody is let in with it.
        factors.tfa_locked_until = None;
        open.close()?;
        failures.clear(user)?;
        return Ok(TfaOutcome::Right);
    }
    let mut count = failures.read(user)?;
    if factors.count(&mut count, is_totp, now) {
        open.close()?;
    }
    failures.write(user, count)?;
    Ok(TfaOutcome::Wrong)
}

impl Factors {
    /// Whether the answer is right; then it is used up.
    fn take(&mut self, answer: TfaAnswer<'_>, now: i64) -> bool {
        match answer {
            TfaAnswer::Totp(code) => {
                let mut right = false;
                for entry in self.totp.iter_mut().filter(|entry| entry.enable) {
                    if let Some(count) = entry.entry.accepts(code, now) {
                        entry.entry.use_up(count);
                        right = true;
                    }
                }
                right
            }
            TfaAnswer::Recovery(code) => {
                let Some(set) = &mut self.recovery else {
                    return false;
                };
                let Some(place) = recovery::find(&set.secret, &set.entries, code) else {
                    return false;
                };
                set.entries[place] = None;
                self.totp_locked = false;
                true
            }
        }
    }

    /// Counts a wrong answer; true if that locked something. A lock begins a new count: after the hour there are as many tries again.
    fn count(&mut self, count: &mut Failures, is_totp: bool, now: i64) -> bool {
        let before = (self.totp_locked, self.tfa_locked_until);
        count.tfa_failures = count.tfa_failures.saturating_add(1);
        if is_totp {
            count.totp_failures = count.totp_failures.saturating_add(1);
        }
        if count.totp_failures >= TOTP_FAILURES_MAX {
            self.totp_locked = true;
            count.totp_failures = 0;
        }
        if count.tfa_failures >= TFA_FAILURES_MAX {
            self.tfa_locked_until = Some(now.saturating_add(LOCK_S));
            count.tfa_failures = 0;
        }
        before != (self.totp_locked, self.tfa_locked_until)
    }
}

/// Who the server is to security keys.
pub fn update_webauthn(dir: &ConfigDir, change: WebauthnChange) -> Result<(), EditError> {
    let mut open = Open::of(dir)?;
    let current = open.tfa.webauthn.take();
    if let Some(expected) = &change.digest
        && current.as_ref().map(|c| c.digest().to_string()).as_ref() != Some(expected)
    {
        return Err(crate::ConfigError::Modified.into());
    }
    let missing = |name: &str| EditError::from(ParamErrors::one(name, ValueError::Missing));
    let (rp, id, mut origin, mut allow_subdomains) = match current {
        Some(Webauthn {
            rp,
            id,
            origin,
            allow_subdomains,
        }) => (Some(rp), Some(id), origin, allow_subdomains),
        None => (None, None, None, None),
    };
    for name in &change.delete {
        match name.as_str() {
            "origin" => origin = None,
            "allow-subdomains" => allow_subdomains = None,
            _ => {}
        }
    }
    open.tfa.webauthn = Some(Webauthn {
        rp: change.rp.or(rp).ok_or_else(|| missing("rp"))?,
        id: change.id.or(id).ok_or_else(|| missing("id"))?,
        origin: change.origin.or(origin),
        allow_subdomains: change.allow_subdomains.or(allow_subdomains),
    });
    open.close()
}

/// What to change about it.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct WebauthnChange {
    pub rp: Option<String>,
    pub id: Option<String>,
    pub origin: Option<String>,
    pub allow_subdomains: Option<bool>,
    pub delete: Vec<String>,
    pub digest: Option<String>,
}
