'use strict'
// ssb-invite keeps the LevelDB of its codes to itself: no list, no removal. LevelDB lets one process open it
// once, so the only way in is to be there when ssb-invite opens it.

const { createRequire } = require('module')
const path = require('path')

const level = createRequire(require.resolve('ssb-invite')).resolve('level')
const open = require(level)
let opened = null

require.cache[level].exports = Object.assign((...args) => {
  const db = open(...args)
  if (path.basename(args[0]) === 'invites') opened = db
  return db
}, open)
const invite = require('ssb-invite')
require.cache[level].exports = open

const DURABLE = { sync: true }

function database () {
  if (!opened) throw new Error('ssb-invite has not opened its database of codes: the pinned version has changed')
  return opened
}

async function get (id) {
  try {
    return await database().get(id)
  } catch (err) {
    if (err.notFound) return null
    throw err
  }
}

// The permissions are ssb-invite's own: what a code that can still be used may call.
function put (id, { uses, used, note }) {
  const allow = used < uses ? ['invite.use', 'getAddress'] : []
  // ssb-invite publishes `note` for everybody to read when the code is used. It is the hoster's private
  // remark, so it is kept under a name that ssb-invite does not know.
  const record = { id, total: uses, used, private_note: note, permissions: { allow, deny: null } }
  return database().put(id, record, DURABLE)
}

function remove (id) {
  return database().del(id, DURABLE)
}

function all () {
  return new Promise((resolve, reject) => {
    const records = []
    database().createReadStream({ keys: false })
      .on('data', (record) => records.push(record))
      .on('error', reject)
      .on('end', () => resolve(records))
  })
}

function noteOf (record) {
  return record.private_note || record.note || ''
}

module.exports = { invite, get, put, remove, all, noteOf }
