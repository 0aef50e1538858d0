//! The calls of libpam, which has no safe form. The only file of this crate with `unsafe`, and only in builds with the feature `pam`.
//! Constants and layouts are those of `security/_pam_types.h` of Linux-PAM.
#![expect(
    unsafe_code,
    reason = "libpam is a C library that calls back for the password"
)]

use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::ptr;

const SUCCESS: c_int = 0;
const BUFFER_ERROR: c_int = 5;
const CONVERSATION_ERROR: c_int = 19;
const PROMPT_HIDDEN: c_int = 1;
const ERROR_MESSAGE: c_int = 3;
const TEXT_MESSAGE: c_int = 4;
/// Item: from where somebody logs in.
const RHOST: c_int = 4;
/// Item: a function that waits after a wrong password instead of libpam.
const FAIL_DELAY: c_int = 10;
/// No empty passwords.
const DISALLOW_NULL_AUTHTOK: c_int = 1;
/// Messages of one call back.
const MESSAGES_MAX: c_int = 32;

#[repr(C)]
struct Message {
    style: c_int,
    text: *const c_char,
}

#[repr(C)]
struct Response {
    text: *mut c_char,
    code: c_int,
}

type Converse = extern "C" fn(c_int, *mut *const Message, *mut *mut Response, *mut c_void) -> c_int;

type FailDelay = extern "C" fn(c_int, c_uint, *mut c_void);

#[repr(C)]
struct Conversation {
    converse: Converse,
    data: *mut c_void,
}

#[repr(C)]
struct Handle {
    _private: [u8; 0],
}

#[link(name = "pam")]
unsafe extern "C" {
    fn pam_start(
        service: *const c_char,
        user: *const c_char,
        conversation: *const Conversation,
        handle: *mut *mut Handle,
    ) -> c_int;
    fn pam_start_confdir(
        service: *const c_char,
        user: *const c_char,
        conversation: *const Conversation,
        folder: *const c_char,
        handle: *mut *mut Handle,
    ) -> c_int;
    fn pam_set_item(handle: *mut Handle, item: c_int, value: *const c_void) -> c_int;
    fn pam_authenticate(handle: *mut Handle, flags: c_int) -> c_int;
    fn pam_acct_mgmt(handle: *mut Handle, flags: c_int) -> c_int;
    fn pam_end(handle: *mut Handle, status: c_int) -> c_int;
}

/// Gives the password, which `data` points to, to whoever asks for something hidden; anything else that is asked ends the conversation.
extern "C" fn converse(
    count: c_int,
    messages: *mut *const Message,
    responses: *mut *mut Response,
    data: *mut c_void,
) -> c_int {
    if !(1..=MESSAGES_MAX).contains(&count) || messages.is_null() || responses.is_null() {
        return CONVERSATION_ERROR;
    }
    let Ok(places) = usize::try_from(count) else {
        return CONVERSATION_ERROR;
    };
    // SAFETY: libpam frees the array and its texts with `free`; zeroed, it has no texts.
    let answers = unsafe { libc::calloc(places, size_of::<Response>()) }.cast::<Response>();
    if answers.is_null() {
        return BUFFER_ERROR;
    }
    for place in 0..places {
        // SAFETY: libpam passes `count` pointers to messages, and the array has as many places.
        let (style, answer) = unsafe { ((**messages.add(place)).style, &mut *answers.add(place)) };
        match style {
            // SAFETY: `data` is the password's text, which outlives the handle.
            PROMPT_HIDDEN => answer.text = unsafe { libc::strdup(data.cast::<c_char>()) },
            ERROR_MESSAGE | TEXT_MESSAGE => {}
            _ => {
                drop_answers(answers, places);
                return CONVERSATION_ERROR;
            }
        }
    }
    // SAFETY: checked above; the array goes to libpam.
    unsafe { *responses = answers };
    SUCCESS
}

/// Waits for nobody: whoever guesses is slowed down and shut out elsewhere, and a thread that sleeps here is one that checks nothing.
extern "C" fn no_delay(_: c_int, _: c_uint, _: *mut c_void) {}

fn drop_answers(answers: *mut Response, places: usize) {
    for place in 0..places {
        // SAFETY: the array has as many places, each null or a text of `strdup`.
        unsafe {
            let text = (*answers.add(place)).text;
            if !text.is_null() {
                libc::explicit_bzero(text.cast(), libc::strlen(text));
                libc::free(text.cast());
            }
        }
    }
    // SAFETY: of `calloc`, and nobody has it any more.
    unsafe { libc::free(answers.cast()) };
}

/// Asks the modules of a service whether this is the user's password and he may come in. Gives libpam's code; 0 is yes. With `folder`, the service
/// is looked for there instead of where the system has them.
pub fn authenticate(
    service: &CStr,
    folder: Option<&CStr>,
    user: &CStr,
    password: &CStr,
    from: &CStr,
) -> c_int {
    let conversation = Conversation {
        converse,
        data: password.as_ptr().cast_mut().cast(),
    };
    let mut handle = ptr::null_mut();
    // SAFETY: all texts and the conversation outlive the handle, which is ended below.
    let started = unsafe {
        match folder {
            None => pam_start(service.as_ptr(), user.as_ptr(), &conversation, &mut handle),
            Some(folder) => pam_start_confdir(
                service.as_ptr(),
                user.as_ptr(),
                &conversation,
                folder.as_ptr(),
                &mut handle,
            ),
        }
    };
    if started != SUCCESS || handle.is_null() {
        return if started == SUCCESS {
            CONVERSATION_ERROR
        } else {
            started
        };
    }
    // SAFETY: the handle was started and is ended once.
    unsafe {
        let mut status = pam_set_item(handle, RHOST, from.as_ptr().cast());
        if status == SUCCESS {
            let no_delay: FailDelay = no_delay;
            status = pam_set_item(handle, FAIL_DELAY, no_delay as *const c_void);
        }
        if status == SUCCESS {
            status = pam_authenticate(handle, DISALLOW_NULL_AUTHTOK);
        }
        if status == SUCCESS {
            status = pam_acct_mgmt(handle, DISALLOW_NULL_AUTHTOK);
        }
        pam_end(handle, status);
        status
    }
}
