//! Where each rule is judged, and which test proves it. `tests/cli_rules.rs` checks that they are there.

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
        R::RsvNotZero => ("connection", "decode_header"),
        R::OpcodeReserved | R::ControlFragmented | R::ControlTooLong => ("frame", "decode"),
        R::LengthNotMinimal | R::LengthTopBitSet => ("frame", "decode_length"),
        R::MaskMissing | R::MaskPresent => ("connection", "begin_frame"),
        R::ContinuationUnexpected
        | R::MessageInterleaved
        | R::MessageTooBig
        | R::TooManyFragments => ("message", "begin_frame"),
        R::TextNotUtf8 => ("connection", "payload"),
        R::CloseBodyOneByte | R::CloseCodeInvalid | R::CloseReasonNotUtf8 => ("close", "decode"),
        R::HeadControlByte | R::HeadLineEnding => ("head", "check_byte"),
        R::RequestLineTooLong | R::HeadTooLarge => ("head", "too_long"),
        R::TooManyHeaders => ("head", "end_line"),
        R::RequestLineMalformed | R::StatusLineMalformed | R::HttpVersionTooHigh => {
            ("head", "parse")
        }
        R::HeaderFolded | R::HeaderMalformed => ("head", "field"),
        R::HostInvalid => ("request", "judge"),
        R::HttpVersionTooLow
        | R::MethodNotGet
        | R::HeaderRepeated
        | R::UpgradeMissing
        | R::VersionNot13
        | R::KeyInvalid
        | R::SubprotocolsMalformed => ("handshake/server", "judge"),
        R::BodyAnnounced => ("handshake/both", "check_no_body"),
        R::ConnectionUpgradeMissing => ("handshake/both", "check_connection"),
        R::ExtensionsMalformed => ("handshake/extensions", "judge"),
        R::StatusNot101 | R::AcceptWrong | R::SubprotocolNotOffered | R::ExtensionNotOffered => {
            ("handshake/client", "judge")
        }
        _ => ("rule", "row"),
    };
    Place { file, function }
}

/// The test that shows most about a rule; `tests/rule.rs` has one for all of them.
pub(crate) const fn tested(rule: Rule) -> Place {
    use Rule as R;
    let (file, function) = match rule {
        R::RsvNotZero => ("connection", "a_reserved_bit_is_seen_in_the_first_byte"),
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
        R::MaskMissing => (
            "connection",
            "a_server_refuses_unmasked_frames_of_every_opcode",
        ),
        R::MaskPresent => (
            "connection",
            "a_client_refuses_masked_frames_of_every_opcode",
        ),
        R::HeadControlByte => ("head", "hold_no_control_byte_but_tabs"),
        R::HeadLineEnding => ("head", "a_lone_lf_ends_no_line"),
        R::RequestLineTooLong | R::HeadTooLarge => (
            "head",
            "a_head_of_just_as_many_bytes_passes_and_of_one_more_fails",
        ),
        R::TooManyHeaders => (
            "head",
            "just_as_many_headers_pass_and_one_more_fails_with_its_line",
        ),
        R::RequestLineMalformed => ("head", "is_method_target_and_version_one_space_apart"),
        R::StatusLineMalformed => ("head", "is_version_code_and_reason_one_space_apart"),
        R::HttpVersionTooHigh => ("head", "of_a_major_version_above_1_is_not_read_on"),
        R::HeaderFolded => ("head", "are_not_folded_in_a_request"),
        R::HeaderMalformed => (
            "head",
            "have_names_that_are_tokens_directly_before_the_colon",
        ),
        R::HostInvalid => ("request", "stands_once"),
        R::HttpVersionTooLow | R::MethodNotGet => {
            ("handshake", "is_a_get_request_of_http_1_1_or_higher")
        }
        R::HeaderRepeated => ("handshake", "is_not_repeated_in_a_request"),
        R::BodyAnnounced => ("handshake", "has_no_body"),
        R::UpgradeMissing => (
            "handshake",
            "names_websocket_in_upgrade_in_any_case_and_place",
        ),
        R::ConnectionUpgradeMissing => (
            "handshake",
            "names_upgrade_in_connection_in_any_case_and_place",
        ),
        R::VersionNot13 => ("handshake", "has_version_13_written_so"),
        R::KeyInvalid => ("handshake", "has_a_key_of_16_bytes_in_base64"),
        R::SubprotocolsMalformed => ("handshake", "are_different_tokens"),
        R::ExtensionsMalformed => ("handshake", "malformed_fail_the_handshake"),
        R::StatusNot101 => ("handshake", "has_status_101"),
        R::AcceptWrong => ("handshake", "proves_that_the_server_read_the_key"),
        R::SubprotocolNotOffered => ("handshake", "names_one_of_the_offered_subprotocols_or_none"),
        R::ExtensionNotOffered => ("handshake", "names_no_extension_for_none_was_offered"),
        _ => ("rule", "however_its_bytes_are_cut"),
    };
    Place { file, function }
}
