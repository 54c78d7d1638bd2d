//! Where each rule is judged, and by which test that is proved. `tests/cli_rules.rs` finds them all.

use plainws::Rule;

/// A function, or a test, and its file.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) file: &'static str,
    pub(crate) function: &'static str,
}

/// The function that judges a rule.
pub(crate) const fn judged(rule: Rule) -> Place {
    use Rule as R;
    let (file, function) = match rule {
        R::RsvNotZero | R::OpcodeReserved | R::ControlFragmented | R::ControlTooLong => {
            ("frame", "decode")
        }
        R::LengthNotMinimal | R::LengthTopBitSet => ("frame", "decode_length"),
        R::MaskMissing | R::MaskPresent => ("connection", "begin_frame"),
        R::ContinuationUnexpected
        | R::MessageInterleaved
        | R::MessageTooBig
        | R::TooManyFragments => ("message", "begin_frame"),
        R::TextNotUtf8 => ("message", "payload"),
        R::CloseBodyOneByte | R::CloseCodeInvalid | R::CloseReasonNotUtf8 => ("close", "check"),
        R::HeadControlByte | R::HeadLineEnding => ("head", "check_byte"),
        R::RequestLineTooLong | R::HeadTooLarge => ("head", "too_long"),
        R::TooManyHeaders => ("head", "end_line"),
        R::RequestLineMalformed => ("head", "check_request_line"),
        R::StatusLineMalformed => ("head", "check_status_line"),
        R::HeaderFolded | R::HeaderMalformed => ("head", "field"),
        R::HeaderRepeated => ("head", "single"),
        R::HostInvalid => ("request", "new"),
        R::HttpVersionTooLow | R::MethodNotGet | R::VersionNot13 | R::KeyInvalid => {
            ("handshake", "new")
        }
        R::BodyAnnounced => ("handshake", "check_no_body"),
        R::UpgradeMissing | R::ConnectionUpgradeMissing => ("handshake", "check_tokens"),
        R::SubprotocolsMalformed => ("handshake", "subprotocols"),
        R::ExtensionsMalformed => ("handshake", "extensions"),
        R::StatusNot101 | R::AcceptWrong | R::SubprotocolNotOffered | R::ExtensionNotOffered => {
            ("handshake", "check")
        }
    };
    Place { file, function }
}

/// The test that shows most about a rule; `tests/rule.rs` has one for all of them.
pub(crate) const fn tested(rule: Rule) -> Place {
    use Rule as R;
    let (file, function) = match rule {
        R::RsvNotZero => ("frame", "a_reserved_bit_is_seen_in_the_first_byte"),
        R::OpcodeReserved => ("frame", "a_reserved_opcode_is_seen_in_the_first_byte"),
        R::ControlFragmented => ("frame", "a_fragmented_one_is_seen_in_the_first_byte"),
        R::ControlTooLong => (
            "frame",
            "one_longer_than_125_bytes_is_seen_in_the_second_byte",
        ),
        R::LengthNotMinimal => (
            "frame",
            "a_length_in_a_longer_form_than_needed_is_seen_as_soon_as_it_must_be_too_small",
        ),
        R::LengthTopBitSet => (
            "frame",
            "the_top_bit_of_a_64_bit_length_is_seen_in_its_first_byte",
        ),
        R::ContinuationUnexpected => ("message", "a_continuation_needs_an_open_message"),
        R::MessageInterleaved => ("message", "a_message_does_not_begin_inside_another"),
        R::MessageTooBig => ("message", "a_message_of_one_byte_more_fails"),
        R::TooManyFragments => ("message", "one_fragment_more_fails"),
        R::TextNotUtf8 => (
            "message",
            "fails_at_the_byte_that_cannot_be_right_before_its_frame_is_complete",
        ),
        R::CloseBodyOneByte => ("close", "of_one_byte_is_half_a_code"),
        R::CloseCodeInvalid => (
            "close",
            "all_65536_are_accepted_or_refused_as_the_ranges_say",
        ),
        R::CloseReasonNotUtf8 => ("close", "is_judged_as_its_bytes_arrive"),
        R::MaskMissing | R::MaskPresent => (
            "rule",
            "with_one_close_that_carries_its_code_and_nothing_behind_it_is_processed",
        ),
        _ => ("rule", "however_its_bytes_are_cut"),
    };
    Place { file, function }
}
