/** A flag of open(2) that is not among Node's constants: the file is named, never read or waited for. What is open that way is reached as `/proc/self/fd/N`, whatever has become of its path. */
export const O_PATH = 0o10000000
