#!/usr/bin/env python3
"""Latency against load as SVG, from results of load.py.

    conformance/relay/plot.py OUT.svg NAME=RESULTS...      one colour for each NAME
"""
import json
import math
import sys
from pathlib import Path

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 760, 420, 70, 150, 40, 60
COLOURS = ("#1f6feb", "#d1480f", "#2b8a3e")
LINES = (("p50", "none"), ("p99", "6 4"))


def nice(most):
    """A round step that divides an axis into about six."""
    power = 10 ** math.floor(math.log10(most / 6))
    return next(power * factor for factor in (1, 2, 5, 10) if most / (power * factor) <= 6)


class Plot:
    def __init__(self, most_rate, least, most):
        self.rate, self.low, self.high = most_rate, math.floor(math.log10(least)), math.ceil(math.log10(most))
        self.parts = []

    def x(self, rate):
        return LEFT + rate / self.rate * (WIDTH - LEFT - RIGHT)

    def y(self, milliseconds):
        share = (math.log10(milliseconds) - self.low) / (self.high - self.low)
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)

    def text(self, x, y, words, anchor="middle", more=""):
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {more}>{words}</text>')

    def rule(self, x1, y1, x2, y2):
        self.parts.append(f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#ddd"/>')

    def axes(self):
        step, rate = nice(self.rate), 0
        while rate <= self.rate:
            self.rule(self.x(rate), TOP, self.x(rate), HEIGHT - BOTTOM)
            self.text(self.x(rate), HEIGHT - BOTTOM + 18, f"{rate:,.0f}")
            rate += step
        for power in range(self.low, self.high + 1):
            y = self.y(10 ** power)
            self.rule(LEFT, y, WIDTH - RIGHT, y)
            self.text(LEFT - 8, y + 4, f"{10 ** power:g} ms", "end")
        self.text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 16, "durable signed appends a second, offered by 64 clients")
        self.text(LEFT, 22, "Latency from when each append was due", "start", 'font-weight="bold"')

    def line(self, points, colour, dash):
        path = " ".join(f"{self.x(rate):.1f},{self.y(value):.1f}" for rate, value in points)
        self.parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"/>')
        for rate, value in points:
            self.parts.append(f'<circle cx="{self.x(rate):.1f}" cy="{self.y(value):.1f}" r="3" fill="{colour}"/>')

    def svg(self):
        head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">'
        return "\n".join([head, f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>', *self.parts, "</svg>"]) + "\n"


def main(out, named):
    curves = {}
    for pair in named:
        name, _, file = pair.partition("=")
        curves[name] = sorted(json.loads(Path(file).read_text())["curve"], key=lambda point: point["rate"])
    points = [point for curve in curves.values() for point in curve]
    values = [point["from_due_ms"][key] for point in points for key, _ in LINES]
    plot = Plot(max(point["rate"] for point in points) * 1.03, min(values), max(values))
    plot.axes()
    row = 0
    for colour, (name, curve) in zip(COLOURS, curves.items()):
        for key, dash in LINES:
            plot.line([(point["rate"], point["from_due_ms"][key]) for point in curve], colour, dash)
            y = TOP + 12 + row * 20
            x = WIDTH - RIGHT + 16
            plot.parts.append(f'<line x1="{x}" y1="{y - 4}" x2="{x + 26}" y2="{y - 4}" stroke="{colour}" '
                              f'stroke-width="2" stroke-dasharray="{dash}"/>')
            plot.text(x + 32, y, f"{name} {key}", "start")
            row += 1
    Path(out).write_text(plot.svg())


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
