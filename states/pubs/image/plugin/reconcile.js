'use strict'
// At start the ledger and ssb-invite's codes are brought to agree, whatever was lost between two writes.

const { promisify } = require('util')
const codes = require('./codes')

// The use that was being made is counted.
function confirm (draft, find) {
  const { invite, feed, at } = draft.claim
  const entry = find(invite)
  entry.used += 1
  entry.used_by.push({ id: feed, at })
  draft.claim = null
}

// A crash, or a full disk, may have come before or after the follow was published: the feed tells.
async function settleClaim (server, ledger) {
  const claim = ledger.data.claim
  if (!claim) return
  const entry = ledger.get(claim.invite)
  const record = await codes.get(claim.invite)
  const counted = entry && record && record.used > entry.used
  const follows = counted && await promisify(server.friends.isFollowing)({ source: server.id, dest: claim.feed })
  ledger.update(follows ? confirm : (draft) => { draft.claim = null })
  if (counted) await codes.put(claim.invite, ledger.get(claim.invite))
}

function adopt (records) {
  return (draft, find) => {
    for (const record of records) {
      if (find(record.id)) continue
      const { id, total, used } = record
      draft.invites.unshift({ id, note: codes.noteOf(record), uses: total, used, created: null, used_by: [], revoked_at: null })
    }
  }
}

// A code is enforced by ssb-invite's record, so each record is made to say what the ledger says.
async function align (entry, record) {
  if (entry.revoked_at) return record && codes.remove(entry.id)
  if (!record || record.used !== entry.used) await codes.put(entry.id, entry)
}

// Adopts codes that the ledger does not know (made by ssb-invite itself, or the ledger was lost), settles a use
// that a crash interrupted, takes revoked codes away and restores counts. Codes without a date come first in the list.
module.exports = async function reconcile (server, ledger) {
  const found = await codes.all()
  const records = new Map(found.map((record) => [record.id, record]))
  if (found.some((record) => !ledger.get(record.id))) ledger.update(adopt(found))
  await settleClaim(server, ledger)
  for (const entry of ledger.data.invites) await align(entry, records.get(entry.id))
}
Object.assign(module.exports, { confirm, settleClaim })
