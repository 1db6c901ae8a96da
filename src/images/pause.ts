import { UserError } from '#base'

/**
 * The program that holds a pod's namespaces: it does nothing, ends at TERM and INT, and lets the kernel bury the orphans that it inherits as
 * process 1. A few hundred bytes, assembled here, because nothing else is needed in its image and every pod runs one.
 */
export function pauseProgram(architecture: string): Uint8Array {
  switch (architecture) {
    case 'x64':
      return elf(MACHINES.x64, bodyOf(x64Code()))
    case 'arm64':
      return elf(MACHINES.arm64, bodyOf(arm64Code()))
    default:
      throw new UserError(`there is no pause program for ${architecture}`, 'x64 and arm64 are supported')
  }
}

const MACHINES = { x64: 62, arm64: 183 } as const

const SIGINT = 2
const SIGTERM = 15
const SIGCHLD = 17
/** x86-64 delivers no signal to a handler without this flag, though the handler here never returns. */
const SA_RESTORER = 0x04000000

/** What stands before the body: the ELF header and two program headers. */
const HEADER_BYTES = 64 + 2 * 56
const BASE_ADDRESS = 0x400000

/** The body begins with the two actions that code points to; offsets are from the body's start. */
const IGNORE_AT = 0
const QUIT_AT = 32
const CODE_AT = 64
const SIG_IGN = 1

/** Code, and where in the body its handler for the end begins. */
interface Assembled {
  readonly code: readonly number[]
  readonly quit: number
}

/** Two `struct sigaction` (handler, flags, restorer, mask; eight bytes each, alike on both machines), then code. */
function bodyOf({ code, quit }: Assembled): readonly number[] {
  const action = (handler: number): number[] => [handler, SA_RESTORER, 0, 0].flatMap((field) => littleEndian(field, 8))
  return [...action(SIG_IGN), ...action(BASE_ADDRESS + HEADER_BYTES + quit), ...code]
}

/** System calls: number in eax, arguments in edi, rsi, edx, r10d; the kernel overwrites rax, rcx and r11 only. */
function x64Code(): Assembled {
  const RT_SIGACTION = 13
  const PAUSE = 34
  const EXIT_GROUP = 231
  const code: number[] = []
  const here = (): number => CODE_AT + code.length
  const emit = (...bytes: readonly number[]): unknown => code.push(...bytes)
  const movEdi = (value: number): unknown => emit(0xbf, ...littleEndian(value, 4))
  const movEax = (value: number): unknown => emit(0xb8, ...littleEndian(value, 4))
  const leaRsi = (target: number): unknown => emit(0x48, 0x8d, 0x35, ...littleEndian(target - (here() + 7), 4))
  const syscall = (number: number): void => {
    movEax(number)
    emit(0x0f, 0x05)
  }
  emit(0x31, 0xd2) //                          xor edx, edx         no old action wanted
  emit(0x41, 0xba, ...littleEndian(8, 4)) //   mov r10d, 8          bytes of a signal set
  movEdi(SIGCHLD)
  leaRsi(IGNORE_AT)
  syscall(RT_SIGACTION)
  leaRsi(QUIT_AT)
  movEdi(SIGTERM)
  syscall(RT_SIGACTION)
  movEdi(SIGINT)
  syscall(RT_SIGACTION)
  const wait = here()
  syscall(PAUSE)
  emit(0xeb, ...littleEndian(wait - (here() + 2), 1)) // jmp wait
  const quit = here()
  emit(0x31, 0xff) //                          xor edi, edi         exit code 0
  syscall(EXIT_GROUP)
  return { code, quit }
}

/** System calls: number in x8, arguments from x0 on; the result overwrites x0 only. Every instruction is four bytes. */
function arm64Code(): Assembled {
  const RT_SIGACTION = 134
  const PPOLL = 73
  const EXIT_GROUP = 94
  const code: number[] = []
  const here = (): number => CODE_AT + code.length
  const emit = (word: number): unknown => code.push(...littleEndian(word, 4))
  const mov = (register: number, value: number): unknown => emit((0xd2800000 | (value << 5) | register) >>> 0)
  const adr = (register: number, target: number): unknown => {
    const distance = target - here()
    return emit((0x10000000 | ((distance & 3) << 29) | (((distance >> 2) & 0x7ffff) << 5) | register) >>> 0)
  }
  const syscall = (number: number): void => {
    mov(8, number)
    emit(0xd4000001) //                        svc #0
  }
  mov(2, 0) //                                 no old action wanted
  mov(3, 8) //                                 bytes of a signal set
  mov(0, SIGCHLD)
  adr(1, IGNORE_AT)
  syscall(RT_SIGACTION)
  adr(1, QUIT_AT)
  mov(0, SIGTERM)
  syscall(RT_SIGACTION)
  mov(0, SIGINT)
  syscall(RT_SIGACTION)
  const wait = here()
  for (const register of [0, 1, 2, 3]) mov(register, 0) // nothing to poll, no time limit, no mask: there is no pause() here
  syscall(PPOLL)
  emit((0x14000000 | (((wait - here()) >> 2) & 0x3ffffff)) >>> 0) // b wait
  const quit = here()
  mov(0, 0) //                                 exit code 0
  syscall(EXIT_GROUP)
  return { code, quit }
}

/** One segment, readable and executable, that is the whole file; and a stack that is not executable. */
function elf(machine: number, body: readonly number[]): Uint8Array {
  const sizeBytes = HEADER_BYTES + body.length
  const [PT_LOAD, PT_GNU_STACK] = [1, 0x6474e551]
  const [EXECUTABLE, WRITABLE, READABLE] = [1, 2, 4]
  const header = [
    ...littleEndian(0x464c457f, 4), // "\x7fELF"
    ...littleEndian(0x00010102, 4), // 64-bit, little-endian, version 1, System V
    ...littleEndian(0, 8), //       padding
    ...littleEndian(2, 2), //       an executable at fixed addresses
    ...littleEndian(machine, 2),
    ...littleEndian(1, 4), //       version
    ...littleEndian(BASE_ADDRESS + HEADER_BYTES + CODE_AT, 8), // entry
    ...littleEndian(64, 8), //      program headers follow this header
    ...littleEndian(0, 8), //       no section headers
    ...littleEndian(0, 4), //       flags
    ...littleEndian(64, 2), //      bytes of this header
    ...littleEndian(56, 2), //      bytes of a program header
    ...littleEndian(2, 2), //       program headers
    ...littleEndian(0, 6), //       no section headers
  ]
  const segment = (type: number, flags: number, address: number, size: number, align: number): number[] => [
    ...littleEndian(type, 4),
    ...littleEndian(flags, 4),
    ...[0, address, address, size, size, align].flatMap((field) => littleEndian(field, 8)),
  ]
  return Uint8Array.from([
    ...header,
    ...segment(PT_LOAD, READABLE | EXECUTABLE, BASE_ADDRESS, sizeBytes, 0x10000),
    ...segment(PT_GNU_STACK, READABLE | WRITABLE, 0, 0, 16),
    ...body,
  ])
}

/** Two's complement for what is negative. */
function littleEndian(value: number, bytes: number): number[] {
  return Array.from({ length: bytes }, (_, index) => Number((BigInt(value) >> BigInt(8 * index)) & 0xffn))
}
