//! Items: the 16-byte headers and the magic numbers that tell what follows.
//!
//! An archive is nothing but items one after the other, see `docs/formats/pxar.md`. Here stand the numbers, the limits of each
//! item's content and the encoding of a header; who may follow whom is the encoder's and the reader's business.

/// Bytes of an item header: type and full size, two little-endian `u64`.
pub const HEADER_LEN: u64 = 16;

pub const FORMAT_VERSION: u64 = 0x730f_6c75_df16_a40d;
pub const PRELUDE: u64 = 0xe309_d79d_9f7b_771b;
pub const ENTRY: u64 = 0xd595_6474_e588_acef;
/// The older stat item with the time as one number; only read.
pub const ENTRY_OLD: u64 = 0x11da_850a_1c1c_ceff;
pub const FILENAME: u64 = 0x1670_1121_0639_17b3;
pub const SYMLINK: u64 = 0x27f9_71e7_dbf5_dc5f;
pub const HARDLINK: u64 = 0x5126_9c84_22bd_7275;
pub const DEVICE: u64 = 0x9fc9_e906_586d_5ce9;
pub const XATTR: u64 = 0x0dab_0229_b57d_cd03;
pub const ACL_USER: u64 = 0x2ce8_540a_457d_55b8;
pub const ACL_GROUP: u64 = 0x136e_3ece_b04c_03ab;
pub const ACL_GROUP_OBJ: u64 = 0x1086_8031_e958_2876;
pub const ACL_DEFAULT: u64 = 0xbbbb_1341_5a68_96f5;
pub const ACL_DEFAULT_USER: u64 = 0xc893_57b4_0532_cd1f;
pub const ACL_DEFAULT_GROUP: u64 = 0xf90a_8a58_1603_8ffe;
pub const FCAPS: u64 = 0x2da9_dd9d_b5f7_fb67;
pub const QUOTA_PROJID: u64 = 0xe075_40e8_2f7d_1cbb;
pub const PAYLOAD: u64 = 0x2814_7a1b_0b7c_1a25;
pub const PAYLOAD_REF: u64 = 0x419d_3d6b_c4ba_977e;
pub const GOODBYE: u64 = 0x2fec_4fa6_42d5_731d;

/// Hash field of the last row of a goodbye table.
pub const GOODBYE_TAIL_MARKER: u64 = 0xef5e_ed5b_753e_1555;
/// First item of a payload stream (split archives).
pub const PAYLOAD_START_MARKER: u64 = 0x834c_68c2_194a_4ed2;
/// Last item of a payload stream (split archives).
pub const PAYLOAD_TAIL_MARKER: u64 = 0x6c72_b78b_984c_81b5;

/// Content of FORMAT_VERSION in a split archive; others have no such item.
pub const SPLIT_FORMAT_VERSION: u64 = 2;

/// Content bytes of the current stat item.
pub const ENTRY_LEN: u64 = 40;
/// Content bytes of the older stat item.
pub const ENTRY_OLD_LEN: u64 = 32;
/// Longest name, link target or link path, without its NUL.
pub const NAME_MAX: usize = 4096;
/// Longest extended attribute: name, one NUL, value.
pub const XATTR_MAX: u64 = 255 + 65536;

/// The header of one item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    pub item: u64,
    /// Header and content together, at least [`HEADER_LEN`].
    pub full_size: u64,
}

impl Header {
    pub fn new(item: u64, content_len: u64) -> Header {
        Header {
            item,
            full_size: HEADER_LEN + content_len,
        }
    }

    /// Takes the bytes apart; `None` if the full size is smaller than the header itself.
    pub fn decode(bytes: &[u8; 16]) -> Option<Header> {
        let (item, full_size) = bytes.split_at(8);
        let number = |b: &[u8]| u64::from_le_bytes(b.try_into().expect("the halves have 8 bytes"));
        let header = Header {
            item: number(item),
            full_size: number(full_size),
        };
        (header.full_size >= HEADER_LEN).then_some(header)
    }

    pub fn encode(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.item.to_le_bytes());
        out.extend_from_slice(&self.full_size.to_le_bytes());
    }

    pub fn content_len(self) -> u64 {
        self.full_size - HEADER_LEN
    }

    /// The range of content lengths that the format allows for this item; `None` for an item nobody knows.
    pub fn content_limits(self) -> Option<std::ops::RangeInclusive<u64>> {
        Some(match self.item {
            FORMAT_VERSION => 8..=8,
            ENTRY => ENTRY_LEN..=ENTRY_LEN,
            ENTRY_OLD => ENTRY_OLD_LEN..=ENTRY_OLD_LEN,
            FILENAME | SYMLINK => 2..=NAME_MAX as u64 + 1,
            HARDLINK => 10..=NAME_MAX as u64 + 9,
            DEVICE | ACL_USER | ACL_GROUP | ACL_DEFAULT_USER | ACL_DEFAULT_GROUP | PAYLOAD_REF => {
                16..=16
            }
            ACL_GROUP_OBJ | QUOTA_PROJID => 8..=8,
            ACL_DEFAULT => 32..=32,
            XATTR => 2..=XATTR_MAX,
            FCAPS => 0..=XATTR_MAX,
            PAYLOAD | GOODBYE | PRELUDE => 0..=u64::MAX - HEADER_LEN,
            _ => return None,
        })
    }
}

/// What an item is called in messages.
pub fn item_name(item: u64) -> &'static str {
    match item {
        FORMAT_VERSION => "FORMAT_VERSION",
        PRELUDE => "PRELUDE",
        ENTRY | ENTRY_OLD => "ENTRY",
        FILENAME => "FILENAME",
        SYMLINK => "SYMLINK",
        HARDLINK => "HARDLINK",
        DEVICE => "DEVICE",
        XATTR => "XATTR",
        ACL_USER => "ACL_USER",
        ACL_GROUP => "ACL_GROUP",
        ACL_GROUP_OBJ => "ACL_GROUP_OBJ",
        ACL_DEFAULT => "ACL_DEFAULT",
        ACL_DEFAULT_USER => "ACL_DEFAULT_USER",
        ACL_DEFAULT_GROUP => "ACL_DEFAULT_GROUP",
        FCAPS => "FCAPS",
        QUOTA_PROJID => "QUOTA_PROJID",
        PAYLOAD => "PAYLOAD",
        PAYLOAD_REF => "PAYLOAD_REF",
        GOODBYE => "GOODBYE",
        PAYLOAD_START_MARKER => "PAYLOAD_START_MARKER",
        PAYLOAD_TAIL_MARKER => "PAYLOAD_TAIL_MARKER",
        _ => "unknown",
    }
}
