'use strict'
// Draws the status tab's charts with uPlot. If that fails (no uPlot, no answer), it shows the server's drawings.
;(() => {
  const AGAIN_MS = 30000
  const HEIGHT = 240
  const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB']

  const size = (value) => {
    if (value === null || value === undefined) return 'unknown'
    let unit = 0
    while (value >= 1024 && unit < UNITS.length - 1) { value /= 1024; unit++ }
    return `${unit && value < 100 ? +value.toFixed(1) : Math.round(value)} ${UNITS[unit]}`
  }
  const rate = (value) => value === null || value === undefined ? 'unknown' : `${size(value)}/s`
  const count = (value) => value === null || value === undefined ? 'unknown' : `${+value.toFixed(1)}`
  // Steps of the scale that are round in binary units: 64 MiB, not 50,000,000 bytes.
  const binary = Array.from({ length: 50 }, (_, power) => 2 ** power)
  // Whole steps: there are no half peers.
  const whole = Array.from({ length: 8 }, (_, power) => [1, 2, 5].map((step) => step * 10 ** power)).flat()

  const clock = (at) => new Date(at * 1000).toISOString().slice(11, 16)
  const day = (at) => new Date(at * 1000).toLocaleDateString('en-GB', { day: 'numeric', month: 'short', timeZone: 'UTC' })

  const FIGURES = {
    memory: { lines: [['memory', 'mean'], ['memory_max', 'most']], shown: size, incrs: binary, limit: true },
    bandwidth: { lines: [['rx_per_s', 'received'], ['tx_per_s', 'sent']], shown: rate, incrs: binary },
    peers: { lines: [['peers', 'peers']], shown: count, incrs: whole },
    disk: { lines: [['disk', 'used']], shown: size, incrs: binary }
  }

  const dark = window.matchMedia('(prefers-color-scheme: dark)')
  const colours = () => dark.matches
    ? { text: '#a9b3c1', grid: '#a9b3c14d', lines: ['#8fd0c6', '#efc06b'], limit: '#ff9d92' }
    : { text: '#515a68', grid: '#515a684d', lines: ['#1d5c56', '#8a4b00'], limit: '#a3261c' }

  // Draws the bot's restarts as dotted vertical lines.
  const restarts = (told, colour) => (plot) => {
    const { ctx, bbox } = plot
    ctx.save()
    ctx.strokeStyle = colour
    ctx.lineWidth = 1.5 * devicePixelRatio
    ctx.setLineDash([2 * devicePixelRatio, 4 * devicePixelRatio])
    for (const moment of told.now.restarts) {
      const x = plot.valToPos(moment, 'x', true)
      if (x < bbox.left || x > bbox.left + bbox.width) continue
      ctx.beginPath()
      ctx.moveTo(x, bbox.top)
      ctx.lineTo(x, bbox.top + bbox.height)
      ctx.stroke()
    }
    ctx.restore()
  }

  const dataOf = (figure, series) => {
    const columns = figure.lines.map(([key]) => series[key])
    if (figure.limit) columns.push(series.at.map(() => series.memory_limit))
    return [series.at, ...columns]
  }

  const optionsOf = (figure, told, width) => {
    const colour = colours()
    const value = (_, one, __, place) => place === null ? '' : figure.shown(one)
    const series = figure.lines.map(([, label], n) => (
      { label, value, stroke: colour.lines[n], width: 2, dash: n ? [5, 4] : undefined, points: { show: false } }))
    if (figure.limit) series.push({ label: 'limit', value, stroke: colour.limit, width: 2, dash: [10, 5], points: { show: false } })
    const axis = { stroke: colour.text, grid: { stroke: colour.grid, width: 1 }, ticks: { stroke: colour.grid } }
    const written = { ...axis, size: 84, values: (_, all) => all.map(figure.shown) }
    return {
      width,
      height: HEIGHT,
      tzDate: (moment) => uPlot.tzDate(new Date(moment * 1000), 'Etc/UTC'),
      scales: { y: { range: (_, least, most) => [0, Math.max(1, most || 0) * 1.08] } },
      series: [{ label: 'at', value: (_, at) => at === null ? '' : `${day(at)} ${clock(at)}` }, ...series],
      axes: [{ ...axis, values: (_, all, __, ___, step) => all.map(step < 86400 ? clock : day) }, figure.incrs ? { ...written, incrs: figure.incrs } : written],
      hooks: { draw: [restarts(told, colour.text)] }
    }
  }

  function image (place) {
    if (place.querySelector('.uplot, img')) return
    const drawn = new Image(520, HEIGHT)
    drawn.src = place.dataset.image
    drawn.alt = `Chart of ${place.dataset.figure}; the table below has the figures.`
    place.append(drawn)
  }

  function draw (place, told) {
    const figure = FIGURES[place.dataset.figure]
    const width = Math.max(240, place.clientWidth)
    const plot = new uPlot(optionsOf(figure, told, width), dataOf(figure, told.now), place)
    plot.root.querySelector('canvas').setAttribute('aria-hidden', 'true') // the table has the figures
    return { place, figure, plot }
  }

  async function ask (address) {
    const answer = await fetch(address, { headers: { Accept: 'application/json' } })
    if (!answer.ok) throw new Error(`${answer.status}`)
    return answer.json()
  }

  async function start (all) {
    const places = [...all.querySelectorAll('[data-figure]')]
    const told = { now: null }
    let charts = []
    const anew = () => {
      for (const { plot } of charts) plot.destroy()
      charts = places.map((place) => draw(place, told))
    }
    try {
      if (typeof uPlot === 'undefined') throw new Error('uPlot is missing')
      told.now = await ask(all.dataset.series)
      anew()
    } catch (_) {
      places.forEach(image)
      return
    }
    dark.addEventListener('change', anew)
    window.addEventListener('resize', () => {
      for (const { place, plot } of charts) plot.setSize({ width: Math.max(240, place.clientWidth), height: HEIGHT })
    })
    setInterval(async () => {
      if (document.hidden) return
      try {
        told.now = await ask(all.dataset.series)
      } catch (_) {
        return // keep what is drawn, and try again next time
      }
      for (const { figure, plot } of charts) plot.setData(dataOf(figure, told.now))
    }, AGAIN_MS)
  }

  document.querySelectorAll('[data-series]').forEach(start)
})()
