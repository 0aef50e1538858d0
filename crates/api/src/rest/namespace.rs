//! `/admin/datastore/{store}/namespace` (protocol.md 6.4).

use format::{Namespace, StoreName};
use serde::{Deserialize, Serialize};

use super::GroupKey;
use crate::kinds;
use crate::schema::{Field, Kind, Param, Returns, Schema};

/// One namespace in a list; the root has the empty text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamespaceItem {
    /// Reserved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Its full name.
    pub ns: Namespace,
}

/// What the list gives back.
pub const NAMESPACES: Returns = Returns::List(&Returns::object(&[
    Field::optional("comment", Returns::TEXT),
    Field::new("ns", Returns::Value(kinds::NAMESPACE)),
]));

/// `GET .../namespace`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct NamespaceList {
    /// From the path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<StoreName>,
    /// Where to start; it is in the list too.
    #[serde(default, skip_serializing_if = "Namespace::is_root")]
    pub parent: Namespace,
    /// Levels below.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_depth: Option<usize>,
}

/// Parameters of [`NamespaceList`].
pub const LIST: Schema = Schema(&[
    kinds::IN_STORE,
    &[
        Param::optional("parent", kinds::NAMESPACE),
        Param::optional("max-depth", kinds::MAX_DEPTH),
    ],
]);

/// `POST .../namespace`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamespaceCreate {
    /// From the path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<StoreName>,
    /// The new component.
    pub name: String,
    /// Below what.
    #[serde(default, skip_serializing_if = "Namespace::is_root")]
    pub parent: Namespace,
}

/// Parameters of [`NamespaceCreate`].
pub const CREATE: Schema = Schema(&[
    kinds::IN_STORE,
    &[
        Param::required("name", kinds::NAMESPACE_NAME),
        Param::optional("parent", kinds::NAMESPACE),
    ],
]);

/// `DELETE .../namespace`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct NamespaceDelete {
    /// From the path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<StoreName>,
    /// Which.
    pub ns: Namespace,
    /// With all groups in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delete_groups: Option<bool>,
    /// Fail if something protected stays; default true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_on_protected: Option<bool>,
}

/// Parameters of [`NamespaceDelete`].
pub const DELETE: Schema = Schema(&[
    kinds::IN_STORE,
    &[
        Param::required("ns", kinds::NAMESPACE),
        Param::optional("delete-groups", Kind::Boolean).or("false"),
        Param::optional("error-on-protected", Kind::Boolean).or("true"),
    ],
]);

/// `POST .../move-group`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct GroupMove {
    /// From the path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<StoreName>,
    /// Where it is.
    #[serde(default, skip_serializing_if = "Namespace::is_root")]
    pub ns: Namespace,
    /// Which.
    #[serde(flatten)]
    pub group: GroupKey,
    /// Where it goes.
    #[serde(default, skip_serializing_if = "Namespace::is_root")]
    pub target_ns: Namespace,
    /// Add to a group that is there; default true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merge_group: Option<bool>,
}

/// Parameters of [`GroupMove`].
pub const MOVE_GROUP: Schema = Schema(&[
    kinds::IN_NAMESPACE,
    kinds::GROUP,
    &[
        Param::optional("target-ns", kinds::NAMESPACE).about("Namespace to move the group to."),
        Param::optional("merge-group", Kind::Boolean)
            .or("true")
            .about("Add to a group of this name that is there already."),
    ],
]);

/// `POST .../move-namespace`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct NamespaceMove {
    /// From the path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<StoreName>,
    /// Which.
    pub ns: Namespace,
    /// What it is called afterwards.
    pub target_ns: Namespace,
    /// Levels below that come along.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_depth: Option<usize>,
    /// Remove what is empty afterwards; default true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delete_source: Option<bool>,
    /// Add to groups that are there; default true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merge_groups: Option<bool>,
}

/// Parameters of [`NamespaceMove`].
pub const MOVE_NAMESPACE: Schema = Schema(&[
    kinds::IN_STORE,
    &[
        Param::required("ns", kinds::NAMESPACE).about("Namespace to move."),
        Param::required("target-ns", kinds::NAMESPACE)
            .about("Its new name; the parent must exist."),
        Param::optional("max-depth", kinds::MAX_DEPTH).or("7"),
        Param::optional("delete-source", Kind::Boolean)
            .or("true")
            .about("Remove namespaces that are empty afterwards."),
        Param::optional("merge-groups", Kind::Boolean)
            .or("true")
            .about("Add to groups of the same name that are there already."),
    ],
]);
