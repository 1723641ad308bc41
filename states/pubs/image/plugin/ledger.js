'use strict'
// The invite ledger: one JSON file beside the database, written durably before anybody is answered.

const fs = require('fs')
const path = require('path')
const { sync } = require('./durable')

const FORMAT = 1
const EMPTY = { format: FORMAT, claim: null, invites: [] }

function isLedger (data) {
  return Boolean(data) && data.format === FORMAT && Array.isArray(data.invites) && data.invites.every(isEntry)
}

function isEntry (entry) {
  return Boolean(entry) && typeof entry.id === 'string' && Number.isInteger(entry.uses) &&
    Number.isInteger(entry.used) && Array.isArray(entry.used_by)
}

// Reads the ledger of a file. A file that cannot be understood is moved aside, never overwritten.
// Returns {data, aside}; aside is the new name of a corrupt file, or null.
function read (file) {
  let text
  try {
    text = fs.readFileSync(file, 'utf8')
  } catch (err) {
    if (err.code === 'ENOENT') return { data: EMPTY, aside: null }
    throw err
  }
  const data = parse(text)
  if (data) return { data, aside: null }
  const aside = `${file}.corrupt-${new Date().toISOString().replace(/[:.]/g, '-')}`
  fs.renameSync(file, aside)
  return { data: EMPTY, aside }
}

function parse (text) {
  try {
    const data = JSON.parse(text)
    return isLedger(data) ? data : null
  } catch (_) {
    return null
  }
}

// Writes the file so that after a crash or a power cut either the old or the new content is there.
function write (file, data) {
  const fresh = `${file}.new`
  fs.writeFileSync(fresh, JSON.stringify(data, null, 1) + '\n', { mode: 0o600 })
  sync(fresh)
  fs.renameSync(fresh, file)
  sync(path.dirname(file))
}

module.exports = class Ledger {
  constructor (file) {
    this.file = file
    const { data, aside } = read(file)
    this.data = data
    this.aside = aside
  }

  get (id) {
    return this.data.invites.find((entry) => entry.id === id)
  }

  // Applies change(draft) and writes it; when the write fails, the ledger in memory stays as it was.
  update (change) {
    const draft = structuredClone(this.data)
    const result = change(draft, (id) => draft.invites.find((entry) => entry.id === id))
    write(this.file, draft)
    this.data = draft
    return result
  }
}
