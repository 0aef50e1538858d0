//! SHA-256 of several messages at once, with the SHA instructions of x86.
//!
//! One message cannot fill the processor: each of its rounds waits for the one before. Two messages side by side take turns in the same
//! unit, which is faster than one after the other. Only whole blocks are compressed here; lengths and padding are
//! [`crate::digest`]'s, whose tests compare every result with aws-lc's. The only file of this crate with `unsafe`.
#![expect(
    unsafe_code,
    reason = "the processor's instructions are called as they are; their presence is asked for first"
)]

use std::arch::x86_64::{
    __m128i, _mm_add_epi32, _mm_alignr_epi8, _mm_blend_epi16, _mm_loadu_si128, _mm_set_epi64x,
    _mm_setzero_si128, _mm_sha256msg1_epu32, _mm_sha256msg2_epu32, _mm_sha256rnds2_epu32,
    _mm_shuffle_epi8, _mm_shuffle_epi32, _mm_storeu_si128,
};

/// The eight words between blocks.
pub(crate) type State = [u32; 8];
pub(crate) type Block = [u8; 64];

/// The fractional parts of the cube roots of the first 64 primes (FIPS 180-4, 4.2.2).
const K: [[u32; 4]; 16] = [
    [0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5],
    [0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5],
    [0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3],
    [0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174],
    [0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc],
    [0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da],
    [0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7],
    [0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967],
    [0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13],
    [0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85],
    [0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3],
    [0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070],
    [0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5],
    [0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3],
    [0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208],
    [0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2],
];

/// Takes into the states as many blocks as all messages have. False, and nothing done, if the processor has no such instructions.
pub(crate) fn compress_blocks<const N: usize>(
    states: &mut [State; N],
    messages: [&[Block]; N],
) -> bool {
    if !(is_x86_feature_detected!("sha") && is_x86_feature_detected!("avx")) {
        return false;
    }
    // SAFETY: both features were just found; "avx" brings the others with it.
    unsafe { compress(states, messages) };
    true
}

#[target_feature(enable = "sha,avx")]
fn compress<const N: usize>(states: &mut [State; N], messages: [&[Block]; N]) {
    let swap = _mm_set_epi64x(0x0c0d_0e0f_0809_0a0b, 0x0405_0607_0001_0203);
    // The instructions want the words in the order ABEF and CDGH.
    let (mut abef, mut cdgh) = ([_mm_setzero_si128(); N], [_mm_setzero_si128(); N]);
    for lane in 0..N {
        let [low, high] = words(&states[lane]);
        let low = _mm_shuffle_epi32(low, 0xB1);
        let high = _mm_shuffle_epi32(high, 0x1B);
        abef[lane] = _mm_alignr_epi8(low, high, 8);
        cdgh[lane] = _mm_blend_epi16(high, low, 0xF0);
    }
    let count = messages.iter().map(|message| message.len()).min();
    let messages = messages.map(|message| &message[..count.unwrap_or(0)]);
    let mut number = 0;
    while number < count.unwrap_or(0) {
        let before = (abef, cdgh);
        // The schedule's last sixteen words of each, four in a register.
        let mut schedule = [[_mm_setzero_si128(); N]; 4];
        for (part, lanes) in schedule.iter_mut().enumerate() {
            for (lane, words) in lanes.iter_mut().enumerate() {
                *words = _mm_shuffle_epi8(quarter(&messages[lane][number], part), swap);
            }
        }
        // Unrolled by hand: only with fixed numbers the schedule stays in registers.
        macro_rules! rounds {
            ($step:literal) => {
                let constants = four(&K[$step]);
                let sum = schedule[$step % 4].map(|words| _mm_add_epi32(words, constants));
                for lane in 0..N {
                    cdgh[lane] = _mm_sha256rnds2_epu32(cdgh[lane], abef[lane], sum[lane]);
                }
                let sum = sum.map(|words| _mm_shuffle_epi32(words, 0x0E));
                for lane in 0..N {
                    abef[lane] = _mm_sha256rnds2_epu32(abef[lane], cdgh[lane], sum[lane]);
                }
            };
        }
        macro_rules! rounds_and_next_words {
            ($($step:literal)*) => {$(
                rounds!($step);
                let [mut older, newest] = [schedule[$step % 4], schedule[($step + 3) % 4]];
                let (next, middle) = (schedule[($step + 1) % 4], schedule[($step + 2) % 4]);
                for lane in 0..N {
                    let seven = _mm_alignr_epi8(newest[lane], middle[lane], 4);
                    older[lane] = _mm_sha256msg1_epu32(older[lane], next[lane]);
                    older[lane] = _mm_add_epi32(older[lane], seven);
                    older[lane] = _mm_sha256msg2_epu32(older[lane], newest[lane]);
                }
                schedule[$step % 4] = older;
            )*};
        }
        rounds_and_next_words!(0 1 2 3 4 5 6 7 8 9 10 11);
        rounds!(12);
        rounds!(13);
        rounds!(14);
        rounds!(15);
        for lane in 0..N {
            abef[lane] = _mm_add_epi32(abef[lane], before.0[lane]);
            cdgh[lane] = _mm_add_epi32(cdgh[lane], before.1[lane]);
        }
        number += 1;
    }
    for lane in 0..N {
        let low = _mm_shuffle_epi32(abef[lane], 0x1B);
        let high = _mm_shuffle_epi32(cdgh[lane], 0xB1);
        store(
            &mut states[lane],
            [
                _mm_blend_epi16(low, high, 0xF0),
                _mm_alignr_epi8(high, low, 8),
            ],
        );
    }
}

fn words(state: &State) -> [__m128i; 2] {
    let (halves, _) = state.as_chunks::<4>();
    [four(&halves[0]), four(&halves[1])]
}

fn four(words: &[u32; 4]) -> __m128i {
    // SAFETY: the array has the sixteen bytes that are read, at any alignment; SSE2 is part of x86-64.
    unsafe { _mm_loadu_si128(words.as_ptr().cast()) }
}

fn quarter(block: &Block, part: usize) -> __m128i {
    let (quarters, _) = block.as_chunks::<16>();
    // SAFETY: as above.
    unsafe { _mm_loadu_si128(quarters[part].as_ptr().cast()) }
}

fn store(state: &mut State, [low, high]: [__m128i; 2]) {
    let (halves, _) = state.as_chunks_mut::<4>();
    for (half, value) in halves.iter_mut().zip([low, high]) {
        // SAFETY: the array has the sixteen bytes that are written, at any alignment.
        unsafe { _mm_storeu_si128(half.as_mut_ptr().cast(), value) };
    }
}
