//! Realms whose users are kept elsewhere: their properties (server.md 1.7), and the requests about them (3.3, 8.3, 8.4).

use format::Realm;
use serde::{Deserialize, Serialize};

use crate::kinds;
use crate::pattern;
use crate::schema::{Field, Format, Kind, Param, PropertySchema, Returns, Schema};

const TEXT: Kind = kinds::TEXT;

const fn list(of: &'static Kind) -> Kind {
    Kind::Text {
        min: 0,
        max: usize::MAX,
        format: Format::List(of),
    }
}

const fn property(schema: &'static PropertySchema) -> Kind {
    Kind::Text {
        min: 0,
        max: usize::MAX,
        format: Format::Property(schema),
    }
}

const SAFE: Kind = Kind::pattern(0, usize::MAX, pattern::safe_id);
const URI: Kind = Kind::pattern(0, usize::MAX, pattern::uri);
const AUDIENCE: Kind = Kind::pattern(0, 256, pattern::uri);

/// What a synchronisation may remove: entries of users, their rights, their properties.
pub const REMOVE_VANISHED: Kind = list(&Kind::Enum(&["acl", "entry", "properties"]));

/// Which attribute of the directory gives which property of a user.
pub const SYNC_ATTRIBUTES: PropertySchema = PropertySchema {
    default_key: None,
    params: &[
        Param::optional("email", TEXT),
        Param::optional("firstname", TEXT),
        Param::optional("lastname", TEXT),
    ],
};

/// What a synchronisation does unless it is told otherwise.
pub const SYNC_DEFAULTS: PropertySchema = PropertySchema {
    default_key: None,
    params: &[
        Param::optional("enable-new", Kind::Boolean),
        Param::optional("remove-vanished", REMOVE_VANISHED),
    ],
};

/// Of every realm.
pub const REALM_COMMON: &[Param] = &[
    Param::optional("comment", kinds::COMMENT).about("Comment."),
    Param::optional("default", Kind::Boolean)
        .or("false")
        .about("True if it is the default realm."),
];

/// Of LDAP and Active Directory realms, whatever else they need.
pub const DIRECTORY: &[Param] = &[
    Param::optional("server2", TEXT).about("Second server, asked when the first does not answer."),
    Param::optional("port", Kind::Integer { min: 0, max: 65535 })
        .about("Port; 389, or 636 with mode ldaps, if it is not given."),
    Param::optional("mode", Kind::Enum(&["ldap", "ldap+starttls", "ldaps"]))
        .or("ldap")
        .about("How the connection is protected."),
    Param::optional("verify", Kind::Boolean)
        .or("false")
        .about("Check the server's certificate."),
    Param::optional("capath", TEXT).about(
        "A file with a certificate to trust as well, or a folder of those to trust instead.",
    ),
    Param::optional("bind-dn", TEXT).about("Who to be for searches; anonymous if it is not given."),
    Param::optional("filter", TEXT).about("Further filter for searches."),
    Param::optional("user-classes", list(&TEXT))
        .or("inetorgperson,posixaccount,person,user")
        .about("Object classes of users, for a synchronisation."),
    Param::optional("sync-attributes", property(&SYNC_ATTRIBUTES))
        .about("Which attributes become email, firstname and lastname."),
    Param::optional("sync-defaults-options", property(&SYNC_DEFAULTS))
        .about("What a synchronisation does by default."),
];

/// Must be given.
pub const SERVER: &[Param] = &[Param::required("server1", TEXT).about("Server.")];
/// Must be given for LDAP.
pub const LDAP: &[Param] = &[
    Param::required("base-dn", TEXT).about("Where users are searched."),
    Param::required("user-attr", TEXT).about("The attribute that holds the name of a user."),
];
/// Active Directory finds the place itself.
pub const AD: &[Param] = &[Param::optional("base-dn", TEXT).about("Where users are searched.")];

const SERVER_CHANGE: &[Param] = &[Param::optional("server1", TEXT).about("Server.")];
const LDAP_CHANGE: &[Param] = &[
    Param::optional("base-dn", TEXT).about("Where users are searched."),
    Param::optional("user-attr", TEXT).about("The attribute that holds the name of a user."),
];
const BIND_PASSWORD: &[Param] =
    &[Param::optional("password", TEXT).about("Password of bind-dn; never shown.")];

/// Must be given for OpenID.
pub const OPENID: &[Param] = &[
    Param::required("issuer-url", TEXT).about("Where the issuer is found."),
    Param::required("client-id", TEXT).about("Who this server is to the issuer."),
];
const OPENID_CHANGE: &[Param] = &[
    Param::optional("issuer-url", TEXT).about("Where the issuer is found."),
    Param::optional("client-id", TEXT).about("Who this server is to the issuer."),
];
/// What an OpenID realm may have.
pub const OPENID_MORE: &[Param] = &[
    Param::optional("client-key", TEXT).about("The client's secret."),
    Param::optional("scopes", list(&SAFE))
        .or("email profile")
        .about("What to ask the issuer for."),
    Param::optional("acr-values", list(&URI)).about("How the issuer is to check who it is."),
    Param::optional("audiences", list(&AUDIENCE)).about("Further audiences of tokens to accept."),
    Param::optional("prompt", SAFE).about("Whether the issuer asks the user again."),
    Param::optional("autocreate", Kind::Boolean)
        .or("false")
        .about("Create users that do not exist at their first login."),
];
/// Set once.
pub const OPENID_CLAIM: &[Param] =
    &[
        Param::optional("username-claim", Kind::pattern(1, 64, pattern::safe_id))
            .about("The claim that holds the name of a user; 'sub' if it is not given."),
    ];

const ID: &[Param] = &[Param::required("realm", kinds::REALM).about("Realm name.")];
const DIGEST: &[Param] = &[Param::optional("digest", kinds::DIGEST)
    .about("Prevent changes if current configuration file has different SHA256 digest.")];

/// What a change of an LDAP or Active Directory realm may delete.
pub const DIRECTORY_DELETABLE: &[&str] = &[
    "server2",
    "port",
    "comment",
    "default",
    "verify",
    "mode",
    "bind-dn",
    "password",
    "filter",
    "sync-defaults-options",
    "sync-attributes",
    "user-classes",
];
/// What a change of an OpenID realm may delete.
pub const OPENID_DELETABLE: &[&str] = &[
    "client-key",
    "comment",
    "default",
    "autocreate",
    "scopes",
    "prompt",
    "acr-values",
    "audiences",
];

const fn delete(names: &'static Kind) -> Param {
    Param::optional("delete", Kind::Array(names)).about("List of properties to delete.")
}
const DELETE_DIRECTORY: &[Param] = &[delete(&Kind::Enum(DIRECTORY_DELETABLE))];
const DELETE_OPENID: &[Param] = &[delete(&Kind::Enum(OPENID_DELETABLE))];
const DELETE_COMMON: &[Param] = &[delete(&Kind::Enum(&["comment", "default"]))];

/// One realm.
pub const REALM: Schema = Schema(&[ID]);
/// Its removal.
pub const REALM_DELETE: Schema = Schema(&[ID, DIGEST]);
/// `PUT /config/access/pam` and `pbs`
pub const BUILT_IN_UPDATE: Schema = Schema(&[REALM_COMMON, DELETE_COMMON, DIGEST]);
/// `POST /config/access/ldap`
pub const LDAP_CREATE: Schema = Schema(&[ID, REALM_COMMON, SERVER, LDAP, DIRECTORY, BIND_PASSWORD]);
/// `PUT /config/access/ldap/{realm}`
pub const LDAP_UPDATE: Schema = Schema(&[
    ID,
    REALM_COMMON,
    SERVER_CHANGE,
    LDAP_CHANGE,
    DIRECTORY,
    BIND_PASSWORD,
    DELETE_DIRECTORY,
    DIGEST,
]);
/// `POST /config/access/ad`
pub const AD_CREATE: Schema = Schema(&[ID, REALM_COMMON, SERVER, AD, DIRECTORY, BIND_PASSWORD]);
/// `PUT /config/access/ad/{realm}`
pub const AD_UPDATE: Schema = Schema(&[
    ID,
    REALM_COMMON,
    SERVER_CHANGE,
    AD,
    DIRECTORY,
    BIND_PASSWORD,
    DELETE_DIRECTORY,
    DIGEST,
]);
/// `POST /config/access/openid`
pub const OPENID_CREATE: Schema = Schema(&[ID, REALM_COMMON, OPENID, OPENID_MORE, OPENID_CLAIM]);
/// `PUT /config/access/openid/{realm}`
pub const OPENID_UPDATE: Schema = Schema(&[
    ID,
    REALM_COMMON,
    OPENID_CHANGE,
    OPENID_MORE,
    DELETE_OPENID,
    DIGEST,
]);

const LDAP_ITEM: Returns = Returns::item(&[ID, REALM_COMMON, SERVER, LDAP, DIRECTORY], &[]);
const AD_ITEM: Returns = Returns::item(&[ID, REALM_COMMON, SERVER, AD, DIRECTORY], &[]);
const OPENID_ITEM: Returns = Returns::item(
    &[ID, REALM_COMMON, OPENID, OPENID_MORE, OPENID_CLAIM],
    NO_FIELDS,
);
const NO_FIELDS: &[Field] = &[];

/// What the routes of one kind of realm take and give.
#[derive(Clone, Copy, Debug)]
pub struct RealmShapes {
    /// `POST`
    pub create: Schema,
    /// `PUT`
    pub update: Schema,
    /// `GET {realm}`
    pub item: Returns,
    /// `GET`
    pub items: Returns,
}

/// Of LDAP realms.
pub const LDAP_SHAPES: RealmShapes = RealmShapes {
    create: LDAP_CREATE,
    update: LDAP_UPDATE,
    item: LDAP_ITEM,
    items: Returns::List(&LDAP_ITEM),
};
/// Of Active Directory realms.
pub const AD_SHAPES: RealmShapes = RealmShapes {
    create: AD_CREATE,
    update: AD_UPDATE,
    item: AD_ITEM,
    items: Returns::List(&AD_ITEM),
};
/// Of OpenID realms.
pub const OPENID_SHAPES: RealmShapes = RealmShapes {
    create: OPENID_CREATE,
    update: OPENID_UPDATE,
    item: OPENID_ITEM,
    items: Returns::List(&OPENID_ITEM),
};

/// `POST /access/domains/{realm}/sync`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct RealmSync {
    /// Which.
    pub realm: Realm,
    /// Only tell what would change.
    #[serde(default)]
    pub dry_run: bool,
    /// Whether new users are enabled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enable_new: Option<bool>,
    /// See [`REMOVE_VANISHED`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remove_vanished: Option<String>,
}

/// Parameters of [`RealmSync`].
pub const REALM_SYNC: Schema = Schema(&[
    ID,
    &[
        Param::optional("dry-run", Kind::Boolean)
            .or("false")
            .about("Only tell what would change."),
        Param::optional("enable-new", Kind::Boolean).about("Enable users that are new."),
        Param::optional("remove-vanished", REMOVE_VANISHED)
            .about("What to remove of users and properties that the directory has no more."),
    ],
]);

/// `POST /access/openid/auth-url`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct OpenidAuthUrl {
    /// Which.
    pub realm: Realm,
    /// Where the issuer sends the browser back to.
    pub redirect_url: String,
}

/// Parameters of [`OpenidAuthUrl`].
pub const OPENID_AUTH_URL: Schema = Schema(&[ID, &[Param::required("redirect-url", TEXT)]]);

/// `POST /access/openid/login`
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct OpenidLogin {
    /// What the issuer gave back.
    pub state: String,
    /// To be exchanged for a token.
    pub code: String,
    /// As it was in the first step.
    pub redirect_url: String,
    /// Put the ticket into a cookie that scripts cannot read.
    #[serde(default)]
    pub http_only: bool,
}

/// Parameters of [`OpenidLogin`].
pub const OPENID_LOGIN: Schema = Schema(&[&[
    Param::required("state", TEXT),
    Param::required("code", TEXT),
    Param::required("redirect-url", TEXT),
    Param::optional("http-only", Kind::Boolean).or("false"),
]]);
