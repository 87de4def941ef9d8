/** Loaded into a server before anything else: on SIGUSR2, 121 seconds pass at once on its clock. */
const realNow = Date.now.bind(Date)
let skipped = 0
Date.now = () => realNow() + skipped
process.on('SIGUSR2', () => void (skipped += 121_000))
