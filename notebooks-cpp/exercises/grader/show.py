"""What a student sees of a grading, at most fourteen lines."""

BAR = 20
SIGNS = {"pass": "✓", "fail": "✗", "timeout": "✗", "crash": "✗", "not started": "·", "not reached": "·"}


def bar(result):
    full = BAR * result["marks"] // result["of"]
    return f"[{'#' * full}{'.' * (BAR - full)}] {result['marks']}/{result['of']}"


def line(result):
    state = "" if result["state"] in ("partial", "full") else result["state"]
    return f"{result['exercise']:30} {bar(result):29} {state}".rstrip()


def show(result, hint_level=1, details=False):
    print(f"{result['exercise'][:2]} {result['title']}  {bar(result)}")
    if result["message"]:
        print(f"  {result['message']}")
        if result["detail"]:
            print(f"  {result['detail']}")
    for check in result["checks"]:
        state = f"  {check['state']}" if check["state"].startswith("not") else ""
        print(f"  {SIGNS[check['state']]} {check['part']} {check['title']}  {check['marks']}/{check['of']}{state}")
    failed = [check for check in result["checks"] if check["message"] and check["state"] != "not started"]
    for check in failed if details else failed[:1]:
        show_failure(check)
    for first, second in result["hints"][:1]:
        print(f"  Think: {first}")
        if hint_level > 1 and second:
            print("  " + second.replace("\n", "\n  "))
        elif second:
            print(f"  More: scripts/grade.sh {result['exercise'][:2]} --hint")
    if result["printed"].strip() and failed:
        print("  Your code printed: " + result["printed"].strip()[: 2000 if details else 300].replace("\n", "\n    "))


def show_failure(check):
    print(f"  {check['title']}, {check['probe']}: {check['message']}")
    if check["expected"]:
        place = f" in {check['where']}" if check["where"] else ""
        print(f"    expected{place}: {check['expected']}\n    got{' ' * len(place)}:      {check['got']}")
