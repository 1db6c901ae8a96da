import { existsSync, openSync } from 'node:fs'
import { join } from 'node:path'

/*
 * How `sampan up` starts what stays. JavaScript, because what takes the types off a file is 12 to 17 MB that a process keeps for its life: whoever starts this
 * one has said where the pack is. It is held open so that nobody clears it away; when it is gone all the same, the sources run.
 */
const pack = process.env['SAMPAN_PACK'] ?? 'off'
const packed = join(pack, 'run.js')
const isThere = pack !== 'off' && existsSync(packed)
if (isThere) openSync(pack, 'r')
await import(isThere ? packed : './sampan.ts')
