import { open } from 'node:fs/promises'
import { join } from 'node:path'
import type { ContainerStatus } from '../cri/runtime.ts'
import { ANNOTATIONS } from './pod-facts.ts'

const LONGEST_MESSAGE = 4096
const LONGEST_LOG_TAIL = 2048
const MOST_LOG_LINES = 80

/** Where the message files of a pod's containers lie in its folder: `NAME/ATTEMPT.message`. */
export const messagesDirOf = (podDir: string): string => join(podDir, 'containers')

/** What an ended container left as its message: its message file, or the end of its log when it failed without one and asks for that. */
export async function terminationMessageOf(status: ContainerStatus): Promise<string> {
  const file = status.annotations[ANNOTATIONS.terminationMessageFile]
  const written = file === undefined ? '' : await readAround(file, LONGEST_MESSAGE, 'start')
  if (written !== '' || status.exitCode === 0 || status.annotations[ANNOTATIONS.terminationMessagePolicy] !== 'FallbackToLogsOnError')
    return written
  const tail = await readAround(status.logPath, LONGEST_LOG_TAIL * 4, 'end')
  const lines = tail.split('\n').filter((line) => /^\S+ std(?:out|err) [FP] /.test(line))
  const text = lines.slice(-MOST_LOG_LINES).map((line) => {
    const [, , tag = 'F'] = line.split(' ', 3)
    return line.slice(line.indexOf(` ${tag} `) + 3) + (tag.startsWith('P') ? '' : '\n')
  })
  return text.join('').slice(-LONGEST_LOG_TAIL)
}

async function readAround(path: string, bytes: number, where: 'start' | 'end'): Promise<string> {
  try {
    await using file = await open(path, 'r')
    const { size } = await file.stat()
    const { buffer, bytesRead } = await file.read(Buffer.alloc(bytes), 0, bytes, where === 'start' ? 0 : Math.max(size - bytes, 0))
    return buffer.subarray(0, bytesRead).toString('utf8')
  } catch {
    return ''
  }
}
