"""The chat template of tiny-chat."""

from tools.tiny_models.chat.template import prompt_and_answer, render
from tools.tiny_models.corpus.dialogue import Dialogue, question, system, user

WEATHER = {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object"}}}
CALL = {"type": "function", "function": {"name": "get_weather", "arguments": {"city": "Oslo"}}}
CALLED = '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Oslo"}}\n</tool_call>'


def test_a_question_is_framed_and_the_answer_opened() -> None:
    assert render((user("Hi"),)) == "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"


def test_no_system_message_is_made_up() -> None:
    assert "system" not in render((user("Hi"),))


def test_a_given_system_message_comes_first() -> None:
    assert render((system("Be kind."), user("Hi"))).startswith(
        "<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user"
    )


def test_tools_join_the_system_message_as_json_lines() -> None:
    text = render((system("Be kind."), user("Hi")), (WEATHER, WEATHER))
    line = '{"name": "get_weather", "parameters": {"type": "object"}}\n'
    assert text.startswith(
        f"<|im_start|>system\nBe kind.\n\nYou may call these functions:\n<tools>\n{line}{line}</tools>"
    )
    assert text.count("<|im_start|>system") == 1


def test_a_past_call_reads_as_the_model_wrote_it_whether_its_arguments_are_text_or_not() -> None:
    as_text = {"type": "function", "function": {"name": "get_weather", "arguments": '{"city": "Oslo"}'}}
    for call in (CALL, as_text):
        text = render((user("Weather?"), {"role": "assistant", "content": None, "tool_calls": [call]}))
        assert f"<|im_start|>assistant\n{CALLED}<|im_end|>\n" in text


def test_results_of_several_tools_share_one_turn() -> None:
    results = ({"role": "tool", "content": "21"}, {"role": "tool", "content": "22"})
    text = render((user("Weather?"), {"role": "assistant", "content": "", "tool_calls": [CALL, CALL]}, *results))
    assert f"{CALLED}\n{CALLED}<|im_end|>" in text
    assert text.count("<|im_start|>user") == 2
    assert "<tool_response>\n21\n</tool_response>\n<tool_response>\n22\n</tool_response><|im_end|>\n" in text


def test_prompt_and_answer_are_the_rendered_conversation() -> None:
    prompt, answer = prompt_and_answer(question("Hi", "Hello!"))
    assert prompt.endswith("<|im_start|>assistant\n")
    assert answer == "Hello!<|im_end|>"


def test_an_answer_may_be_a_call() -> None:
    message = {"role": "assistant", "content": "", "tool_calls": [CALL]}
    assert prompt_and_answer(Dialogue((user("Weather?"),), message, (WEATHER,)))[1] == CALLED + "<|im_end|>"
