import { flushCompileCache } from 'node:module'
import { join } from 'node:path'
import { PACK, findPack } from './pack/find-pack.ts'

/**
 * The one command. Where the sources have been packed since they last changed, what runs is the pack of them: the same program in few files, which
 * loads in a third of the time. What this process starts is the same program, and need not look at the sources again. `SAMPAN_PACK=off` runs
 * the sources.
 */
const pack = findPack(process.env)
// What takes the types off these two files is 12 to 17 MB that a process keeps for its life. Whoever starts after this one, with the same flags of V8, finds
// them without; left to itself Node writes them down when a process ends, which a server does not.
flushCompileCache()
if (pack !== undefined) process.env[PACK] = pack
await (pack === undefined ? import('./run.ts') : import(join(pack, 'run.js')))
