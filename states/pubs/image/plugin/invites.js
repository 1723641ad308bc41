'use strict'
// Invites with a ledger: create, list, use, revoke. Everything that changes goes through one queue, so that
// a code with one use cannot be used twice at the same moment (ssb-invite has that race).

const ssbKeys = require('ssb-keys')
const ref = require('ssb-ref')
const { promisify } = require('util')
const codes = require('./codes')
const reconcile = require('./reconcile')
const Refusal = require('./refusal')

// So many invites the service keeps, too (core/bots/invites.py): more open ones nobody could see, to revoke them; and each
// change writes the whole ledger anew.
const MOST = 1000

const now = () => new Date().toISOString()

// The key pair of a code is made from the seed after its last tilde.
function idOf (code) {
  const seed = Buffer.from(code.slice(code.lastIndexOf('~') + 1), 'base64')
  return ssbKeys.generate('ed25519', seed).id
}

function stateOf (entry) {
  if (entry.revoked_at) return 'revoked'
  return entry.used >= entry.uses ? 'used' : 'unused'
}

function shown (entry) {
  const { id, note, uses, used, created, used_by, revoked_at } = entry
  const remaining = revoked_at ? 0 : uses - used
  return { id, note, uses, used, remaining, state: stateOf(entry), created, used_by, revoked_at }
}

module.exports = class Invites {
  constructor (server, ledger) {
    this.server = server
    this.ledger = ledger
    this.queue = Promise.resolve()
    const invites = this
    server.invite.create.hook(function (fn, args) { invites.onCreate(fn.bind(this), args) })
    server.invite.use.hook(function (fn, args) { invites.onUse(fn.bind(this), this.id, args) })
    this.ready = this.inTurn(() => reconcile(server, ledger))
  }

  inTurn (task) {
    const result = this.queue.then(task)
    this.queue = result.catch(() => {})
    return result
  }

  list () {
    return this.ledger.data.invites.map(shown)
  }

  async create (uses, note) {
    const code = await promisify(this.server.invite.create)({ uses, note })
    return { id: idOf(code), code, note, uses }
  }

  revoke (id) {
    return this.inTurn(async () => {
      const entry = this.ledger.get(id)
      if (!entry) throw new Refusal(404, 'There is no invite with this id on this pub.')
      if (stateOf(entry) === 'used') throw new Refusal(409, 'This invite has been used up: there is nothing left to revoke.')
      if (!entry.revoked_at) this.ledger.update((_, find) => { find(id).revoked_at = now() })
      await codes.remove(id)
      for (const rpc of this.server.peers[id] || []) rpc.close(true)
      return { id, state: 'revoked' }
    })
  }

  onCreate (create, args) {
    const cb = args.pop()
    this.inTurn(() => this.record(promisify(create), args)).then((code) => cb(null, code), cb)
  }

  async record (create, args) {
    await this.makeRoom()
    const code = await create(...args)
    const id = idOf(code)
    const record = await codes.get(id)
    const entry = { id, note: codes.noteOf(record), uses: record.total, used: 0, created: now(), used_by: [], revoked_at: null }
    try {
      await codes.put(id, entry)
      this.ledger.update((draft) => { draft.invites.push(entry) })
    } catch (err) {
      await codes.remove(id)
      throw err
    }
    return code
  }

  // What is over is forgotten, the oldest first. A code goes before its entry: without one, reconcile would adopt it.
  async makeRoom () {
    const { invites } = this.ledger.data
    const tooMany = invites.length - MOST + 1
    if (tooMany <= 0) return
    const old = new Set(invites.filter((entry) => stateOf(entry) !== 'unused').slice(0, tooMany).map(({ id }) => id))
    if (old.size < tooMany) throw new Refusal(409, `This pub has ${MOST} invites that can still be used: revoke some first.`)
    for (const id of old) await codes.remove(id)
    this.ledger.update((draft) => { draft.invites = draft.invites.filter(({ id }) => !old.has(id)) })
  }

  onUse (use, id, args) {
    const [request, cb] = args
    this.inTurn(() => this.spend(promisify(use), id, request)).then((message) => cb(null, message), cb)
  }

  // The claim is on disk before ssb-invite counts and follows: after a crash in between, reconcile knows who it was.
  async spend (use, id, request) {
    await reconcile.settleClaim(this.server, this.ledger)
    const feed = request && request.feed
    this.checkUse(id, feed)
    const claim = { invite: id, feed, at: now() }
    this.ledger.update((draft) => { draft.claim = claim })
    let message
    try {
      message = await use(request)
    } catch (err) {
      // ssb-invite counts before it follows: give the use back when it did not get as far as following.
      await codes.put(id, this.ledger.get(id))
      this.ledger.update((draft) => { draft.claim = null })
      throw err
    }
    this.ledger.update(reconcile.confirm)
    return message
  }

  checkUse (id, feed) {
    const entry = this.ledger.get(id)
    if (!entry) throw new Error('this invite is unknown')
    if (stateOf(entry) === 'revoked') throw new Error('this invite has been revoked')
    if (stateOf(entry) === 'used') throw new Error('this invite has been used up')
    if (!ref.isFeed(feed) || feed === this.server.id) throw new Error('the feed to follow is missing or is not a feed id')
  }
}
