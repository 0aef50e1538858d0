//! Numbers and names that both ends of a connection must agree on: port, protocol names, cookie names, ages, limits.
//!
//! Each value is written here once; protocol.md sections 1 to 3 give the reasons. HTTP/2 windows stand here too, since
//! clients of the original depend on them.

/// TCP port of the server.
pub const PORT: u16 = 8007;
/// Host used when a repository names none.
pub const HOST: &str = "localhost";
/// User used when a repository names none.
pub const AUTH_ID: &str = "root@pam";

/// The version that `GET /version` reports: major.minor.
pub const API_VERSION: &str = "4.2";
/// The third number of the version.
pub const API_RELEASE: &str = "3";

/// `Upgrade` header of a backup session.
pub const BACKUP_PROTOCOL: &str = "proxmox-backup-protocol-v1";
/// `Upgrade` header of a reader session.
pub const READER_PROTOCOL: &str = "proxmox-backup-reader-protocol-v1";

/// Cookie that carries a ticket.
pub const COOKIE: &str = "PBSAuthCookie";
/// Cookie of the HttpOnly flow; wins over [`COOKIE`].
pub const COOKIE_HTTP_ONLY: &str = "__Host-PBSAuthCookie";
/// Header with the token against cross-site requests.
pub const CSRF_HEADER: &str = "CSRFPreventionToken";
/// First word of an `Authorization` header with an API token.
pub const TOKEN_SCHEME: &str = "PBSAPIToken";

/// A ticket is refused when it is older than this.
pub const TICKET_AGE_MAX_S: i64 = 7200;
/// A ticket may be this much from the future (clocks differ).
pub const TICKET_AHEAD_MAX_S: i64 = 300;
/// A ticket whose second factor is still missing lives this long.
pub const PARTIAL_TICKET_AGE_MAX_S: i64 = 600;
/// and may be this much from the future.
pub const PARTIAL_TICKET_AHEAD_MAX_S: i64 = 60;

/// Longest path with query of a request.
pub const PATH_BYTES_MAX: usize = 3072;
/// Largest parameter body of a request.
pub const BODY_BYTES_MAX: usize = 512 * 1024;

/// Answers with status 401 wait this long.
pub const UNAUTHORIZED_DELAY_MS: u64 = 3000;
/// Answers with status 403 wait this long.
pub const FORBIDDEN_DELAY_MS: u64 = 500;

/// HTTP/2 window of a stream, server side.
pub const H2_SERVER_WINDOW_BYTES: u32 = 32 * 1024 * 1024;
/// HTTP/2 window of a stream and of the connection, client side.
pub const H2_CLIENT_WINDOW_BYTES: u32 = (1 << 31) - 2;
/// Largest HTTP/2 frame, both sides.
pub const H2_FRAME_BYTES_MAX: u32 = 4 * 1024 * 1024;
/// Largest header list of an HTTP/2 request, server side.
pub const H2_HEADER_LIST_BYTES_MAX: u32 = 16 * 1024;
/// Open HTTP/2 streams per connection, server side.
pub const H2_STREAMS_MAX: u32 = 200;

/// Deepest namespace below the root.
pub const NAMESPACE_DEPTH_MAX: usize = 7;
/// Body of the reader session's speed test.
pub const SPEEDTEST_BYTES: usize = 1024 * 1024;
