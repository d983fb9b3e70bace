;; A dispatch as Go makes it (loop, br_table over a local), behind which many locals are live.  Entered at b they are
;; zero, although the first call left something else on the stack.
(module
  (func (export "run") (param $pc i32) (result i64 i32)
    (local $sum i64) (local $bits v128)
    (local i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64
     i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64
     i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64
     i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64
     i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64
     i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64
     i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64
     i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64
     i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64)
    (local v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128
     v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128
     v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128
     v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128
     v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128
     v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128
     v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128
     v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128
     v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128
     v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128
     v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128)
    (block $done
      (loop $again
        (block $b
          (block $a
            (br_table $a $b (local.get $pc)))
          (local.set 3 (i64.const -1)) (local.set 4 (i64.const -1)) (local.set 5 (i64.const -1))
          (local.set 6 (i64.const -1)) (local.set 7 (i64.const -1)) (local.set 8 (i64.const -1))
          (local.set 9 (i64.const -1)) (local.set 10 (i64.const -1)) (local.set 11 (i64.const -1))
          (local.set 12 (i64.const -1)) (local.set 13 (i64.const -1)) (local.set 14 (i64.const -1))
          (local.set 15 (i64.const -1)) (local.set 16 (i64.const -1)) (local.set 17 (i64.const -1))
          (local.set 18 (i64.const -1)) (local.set 19 (i64.const -1)) (local.set 20 (i64.const -1))
          (local.set 21 (i64.const -1)) (local.set 22 (i64.const -1)) (local.set 23 (i64.const -1))
          (local.set 24 (i64.const -1)) (local.set 25 (i64.const -1)) (local.set 26 (i64.const -1))
          (local.set 27 (i64.const -1)) (local.set 28 (i64.const -1)) (local.set 29 (i64.const -1))
          (local.set 30 (i64.const -1)) (local.set 31 (i64.const -1)) (local.set 32 (i64.const -1))
          (local.set 33 (i64.const -1)) (local.set 34 (i64.const -1)) (local.set 35 (i64.const -1))
          (local.set 36 (i64.const -1)) (local.set 37 (i64.const -1)) (local.set 38 (i64.const -1))
          (local.set 39 (i64.const -1)) (local.set 40 (i64.const -1)) (local.set 41 (i64.const -1))
          (local.set 42 (i64.const -1)) (local.set 43 (i64.const -1)) (local.set 44 (i64.const -1))
          (local.set 45 (i64.const -1)) (local.set 46 (i64.const -1)) (local.set 47 (i64.const -1))
          (local.set 48 (i64.const -1)) (local.set 49 (i64.const -1)) (local.set 50 (i64.const -1))
          (local.set 51 (i64.const -1)) (local.set 52 (i64.const -1)) (local.set 53 (i64.const -1))
          (local.set 54 (i64.const -1)) (local.set 55 (i64.const -1)) (local.set 56 (i64.const -1))
          (local.set 57 (i64.const -1)) (local.set 58 (i64.const -1)) (local.set 59 (i64.const -1))
          (local.set 60 (i64.const -1)) (local.set 61 (i64.const -1)) (local.set 62 (i64.const -1))
          (local.set 63 (i64.const -1)) (local.set 64 (i64.const -1)) (local.set 65 (i64.const -1))
          (local.set 66 (i64.const -1)) (local.set 67 (i64.const -1)) (local.set 68 (i64.const -1))
          (local.set 69 (i64.const -1)) (local.set 70 (i64.const -1)) (local.set 71 (i64.const -1))
          (local.set 72 (i64.const -1)) (local.set 73 (i64.const -1)) (local.set 74 (i64.const -1))
          (local.set 75 (i64.const -1)) (local.set 76 (i64.const -1)) (local.set 77 (i64.const -1))
          (local.set 78 (i64.const -1)) (local.set 79 (i64.const -1)) (local.set 80 (i64.const -1))
          (local.set 81 (i64.const -1)) (local.set 82 (i64.const -1)) (local.set 83 (i64.const -1))
          (local.set 84 (i64.const -1)) (local.set 85 (i64.const -1)) (local.set 86 (i64.const -1))
          (local.set 87 (i64.const -1)) (local.set 88 (i64.const -1)) (local.set 89 (i64.const -1))
          (local.set 90 (i64.const -1)) (local.set 91 (i64.const -1)) (local.set 92 (i64.const -1))
          (local.set 93 (i64.const -1)) (local.set 94 (i64.const -1)) (local.set 95 (i64.const -1))
          (local.set 96 (i64.const -1)) (local.set 97 (i64.const -1)) (local.set 98 (i64.const -1))
          (local.set 99 (i64.const -1)) (local.set 100 (i64.const -1)) (local.set 101 (i64.const -1))
          (local.set 102 (i64.const -1)) (local.set 103 (i64.const -1)) (local.set 104 (i64.const -1))
          (local.set 105 (i64.const -1)) (local.set 106 (i64.const -1)) (local.set 107 (i64.const -1))
          (local.set 108 (i64.const -1)) (local.set 109 (i64.const -1)) (local.set 110 (i64.const -1))
          (local.set 111 (i64.const -1)) (local.set 112 (i64.const -1)) (local.set 113 (i64.const -1))
          (local.set 114 (i64.const -1)) (local.set 115 (i64.const -1)) (local.set 116 (i64.const -1))
          (local.set 117 (i64.const -1)) (local.set 118 (i64.const -1)) (local.set 119 (i64.const -1))
          (local.set 120 (i64.const -1)) (local.set 121 (i64.const -1)) (local.set 122 (i64.const -1))
          (local.set 123 (i64.const -1)) (local.set 124 (i64.const -1)) (local.set 125 (i64.const -1))
          (local.set 126 (i64.const -1)) (local.set 127 (i64.const -1)) (local.set 128 (i64.const -1))
          (local.set 129 (i64.const -1)) (local.set 130 (i64.const -1)) (local.set 131 (i64.const -1))
          (local.set 132 (i64.const -1)) (local.set 133 (i64.const -1)) (local.set 134 (i64.const -1))
          (local.set 135 (i64.const -1)) (local.set 136 (i64.const -1)) (local.set 137 (i64.const -1))
          (local.set 138 (i64.const -1)) (local.set 139 (i64.const -1)) (local.set 140 (i64.const -1))
          (local.set 141 (i64.const -1)) (local.set 142 (i64.const -1)) (local.set 143 (i64.const -1))
          (local.set 144 (i64.const -1)) (local.set 145 (i64.const -1)) (local.set 146 (i64.const -1))
          (local.set 147 (i64.const -1)) (local.set 148 (i64.const -1)) (local.set 149 (i64.const -1))
          (local.set 150 (i64.const -1)) (local.set 151 (i64.const -1)) (local.set 152 (i64.const -1))
          (local.set 153 (i64.const -1)) (local.set 154 (i64.const -1)) (local.set 155 (i64.const -1))
          (local.set 156 (i64.const -1)) (local.set 157 (i64.const -1)) (local.set 158 (i64.const -1))
          (local.set 159 (i64.const -1)) (local.set 160 (i64.const -1)) (local.set 161 (i64.const -1))
          (local.set 162 (i64.const -1)) (local.set 163 (i64.const -1)) (local.set 164 (i64.const -1))
          (local.set 165 (i64.const -1)) (local.set 166 (i64.const -1)) (local.set 167 (i64.const -1))
          (local.set 168 (i64.const -1)) (local.set 169 (i64.const -1)) (local.set 170 (i64.const -1))
          (local.set 171 (i64.const -1)) (local.set 172 (i64.const -1)) (local.set 173 (i64.const -1))
          (local.set 174 (i64.const -1)) (local.set 175 (i64.const -1)) (local.set 176 (i64.const -1))
          (local.set 177 (i64.const -1)) (local.set 178 (i64.const -1)) (local.set 179 (i64.const -1))
          (local.set 180 (i64.const -1)) (local.set 181 (i64.const -1)) (local.set 182 (i64.const -1))
          (local.set 183 (i64.const -1)) (local.set 184 (i64.const -1)) (local.set 185 (i64.const -1))
          (local.set 186 (i64.const -1)) (local.set 187 (i64.const -1)) (local.set 188 (i64.const -1))
          (local.set 189 (i64.const -1)) (local.set 190 (i64.const -1)) (local.set 191 (i64.const -1))
          (local.set 192 (i64.const -1)) (local.set 193 (i64.const -1)) (local.set 194 (i64.const -1))
          (local.set 195 (i64.const -1)) (local.set 196 (i64.const -1)) (local.set 197 (i64.const -1))
          (local.set 198 (i64.const -1)) (local.set 199 (i64.const -1)) (local.set 200 (i64.const -1))
          (local.set 201 (i64.const -1)) (local.set 202 (i64.const -1)) (local.set 203 (i64.const -1))
          (local.set 204 (i64.const -1)) (local.set 205 (i64.const -1)) (local.set 206 (i64.const -1))
          (local.set 207 (i64.const -1)) (local.set 208 (i64.const -1)) (local.set 209 (i64.const -1))
          (local.set 210 (i64.const -1)) (local.set 211 (i64.const -1)) (local.set 212 (i64.const -1))
          (local.set 213 (i64.const -1)) (local.set 214 (i64.const -1)) (local.set 215 (i64.const -1))
          (local.set 216 (i64.const -1)) (local.set 217 (i64.const -1)) (local.set 218 (i64.const -1))
          (local.set 219 (i64.const -1)) (local.set 220 (i64.const -1)) (local.set 221 (i64.const -1))
          (local.set 222 (i64.const -1)) (local.set 223 (i64.const -1)) (local.set 224 (i64.const -1))
          (local.set 225 (i64.const -1)) (local.set 226 (i64.const -1)) (local.set 227 (i64.const -1))
          (local.set 228 (i64.const -1)) (local.set 229 (i64.const -1)) (local.set 230 (i64.const -1))
          (local.set 231 (i64.const -1)) (local.set 232 (i64.const -1)) (local.set 233 (i64.const -1))
          (local.set 234 (i64.const -1)) (local.set 235 (i64.const -1)) (local.set 236 (i64.const -1))
          (local.set 237 (i64.const -1)) (local.set 238 (i64.const -1)) (local.set 239 (i64.const -1))
          (local.set 240 (i64.const -1)) (local.set 241 (i64.const -1)) (local.set 242 (i64.const -1))
          (local.set 243 (v128.not (local.get $bits))) (local.set 244 (v128.not (local.get $bits)))
          (local.set 245 (v128.not (local.get $bits))) (local.set 246 (v128.not (local.get $bits)))
          (local.set 247 (v128.not (local.get $bits))) (local.set 248 (v128.not (local.get $bits)))
          (local.set 249 (v128.not (local.get $bits))) (local.set 250 (v128.not (local.get $bits)))
          (local.set 251 (v128.not (local.get $bits))) (local.set 252 (v128.not (local.get $bits)))
          (local.set 253 (v128.not (local.get $bits))) (local.set 254 (v128.not (local.get $bits)))
          (local.set 255 (v128.not (local.get $bits))) (local.set 256 (v128.not (local.get $bits)))
          (local.set 257 (v128.not (local.get $bits))) (local.set 258 (v128.not (local.get $bits)))
          (local.set 259 (v128.not (local.get $bits))) (local.set 260 (v128.not (local.get $bits)))
          (local.set 261 (v128.not (local.get $bits))) (local.set 262 (v128.not (local.get $bits)))
          (local.set 263 (v128.not (local.get $bits))) (local.set 264 (v128.not (local.get $bits)))
          (local.set 265 (v128.not (local.get $bits))) (local.set 266 (v128.not (local.get $bits)))
          (local.set 267 (v128.not (local.get $bits))) (local.set 268 (v128.not (local.get $bits)))
          (local.set 269 (v128.not (local.get $bits))) (local.set 270 (v128.not (local.get $bits)))
          (local.set 271 (v128.not (local.get $bits))) (local.set 272 (v128.not (local.get $bits)))
          (local.set 273 (v128.not (local.get $bits))) (local.set 274 (v128.not (local.get $bits)))
          (local.set 275 (v128.not (local.get $bits))) (local.set 276 (v128.not (local.get $bits)))
          (local.set 277 (v128.not (local.get $bits))) (local.set 278 (v128.not (local.get $bits)))
          (local.set 279 (v128.not (local.get $bits))) (local.set 280 (v128.not (local.get $bits)))
          (local.set 281 (v128.not (local.get $bits))) (local.set 282 (v128.not (local.get $bits)))
          (local.set 283 (v128.not (local.get $bits))) (local.set 284 (v128.not (local.get $bits)))
          (local.set 285 (v128.not (local.get $bits))) (local.set 286 (v128.not (local.get $bits)))
          (local.set 287 (v128.not (local.get $bits))) (local.set 288 (v128.not (local.get $bits)))
          (local.set 289 (v128.not (local.get $bits))) (local.set 290 (v128.not (local.get $bits)))
          (local.set 291 (v128.not (local.get $bits))) (local.set 292 (v128.not (local.get $bits)))
          (local.set 293 (v128.not (local.get $bits))) (local.set 294 (v128.not (local.get $bits)))
          (local.set 295 (v128.not (local.get $bits))) (local.set 296 (v128.not (local.get $bits)))
          (local.set 297 (v128.not (local.get $bits))) (local.set 298 (v128.not (local.get $bits)))
          (local.set 299 (v128.not (local.get $bits))) (local.set 300 (v128.not (local.get $bits)))
          (local.set 301 (v128.not (local.get $bits))) (local.set 302 (v128.not (local.get $bits)))
          (local.set 303 (v128.not (local.get $bits))) (local.set 304 (v128.not (local.get $bits)))
          (local.set 305 (v128.not (local.get $bits))) (local.set 306 (v128.not (local.get $bits)))
          (local.set 307 (v128.not (local.get $bits))) (local.set 308 (v128.not (local.get $bits)))
          (local.set 309 (v128.not (local.get $bits))) (local.set 310 (v128.not (local.get $bits)))
          (local.set 311 (v128.not (local.get $bits))) (local.set 312 (v128.not (local.get $bits)))
          (local.set 313 (v128.not (local.get $bits))) (local.set 314 (v128.not (local.get $bits)))
          (local.set 315 (v128.not (local.get $bits))) (local.set 316 (v128.not (local.get $bits)))
          (local.set 317 (v128.not (local.get $bits))) (local.set 318 (v128.not (local.get $bits)))
          (local.set 319 (v128.not (local.get $bits))) (local.set 320 (v128.not (local.get $bits)))
          (local.set 321 (v128.not (local.get $bits))) (local.set 322 (v128.not (local.get $bits)))
          (local.set 323 (v128.not (local.get $bits))) (local.set 324 (v128.not (local.get $bits)))
          (local.set 325 (v128.not (local.get $bits))) (local.set 326 (v128.not (local.get $bits)))
          (local.set 327 (v128.not (local.get $bits))) (local.set 328 (v128.not (local.get $bits)))
          (local.set 329 (v128.not (local.get $bits))) (local.set 330 (v128.not (local.get $bits)))
          (local.set 331 (v128.not (local.get $bits))) (local.set 332 (v128.not (local.get $bits)))
          (local.set 333 (v128.not (local.get $bits))) (local.set 334 (v128.not (local.get $bits)))
          (local.set 335 (v128.not (local.get $bits))) (local.set 336 (v128.not (local.get $bits)))
          (local.set 337 (v128.not (local.get $bits))) (local.set 338 (v128.not (local.get $bits)))
          (local.set 339 (v128.not (local.get $bits))) (local.set 340 (v128.not (local.get $bits)))
          (local.set 341 (v128.not (local.get $bits))) (local.set 342 (v128.not (local.get $bits)))
          (local.set 343 (v128.not (local.get $bits))) (local.set 344 (v128.not (local.get $bits)))
          (local.set 345 (v128.not (local.get $bits))) (local.set 346 (v128.not (local.get $bits)))
          (local.set 347 (v128.not (local.get $bits))) (local.set 348 (v128.not (local.get $bits)))
          (local.set 349 (v128.not (local.get $bits))) (local.set 350 (v128.not (local.get $bits)))
          (local.set 351 (v128.not (local.get $bits))) (local.set 352 (v128.not (local.get $bits)))
          (local.set 353 (v128.not (local.get $bits))) (local.set 354 (v128.not (local.get $bits)))
          (local.set 355 (v128.not (local.get $bits))) (local.set 356 (v128.not (local.get $bits)))
          (local.set 357 (v128.not (local.get $bits))) (local.set 358 (v128.not (local.get $bits)))
          (local.set 359 (v128.not (local.get $bits))) (local.set 360 (v128.not (local.get $bits)))
          (local.set 361 (v128.not (local.get $bits))) (local.set 362 (v128.not (local.get $bits)))
          (local.set 363 (v128.not (local.get $bits))) (local.set 364 (v128.not (local.get $bits)))
          (local.set 365 (v128.not (local.get $bits))) (local.set 366 (v128.not (local.get $bits)))
          (local.set 367 (v128.not (local.get $bits))) (local.set 368 (v128.not (local.get $bits)))
          (local.set 369 (v128.not (local.get $bits))) (local.set 370 (v128.not (local.get $bits)))
          (local.set 371 (v128.not (local.get $bits))) (local.set 372 (v128.not (local.get $bits)))
          (local.set 373 (v128.not (local.get $bits))) (local.set 374 (v128.not (local.get $bits)))
          (local.set 375 (v128.not (local.get $bits))) (local.set 376 (v128.not (local.get $bits)))
          (local.set 377 (v128.not (local.get $bits))) (local.set 378 (v128.not (local.get $bits)))
          (local.set 379 (v128.not (local.get $bits))) (local.set 380 (v128.not (local.get $bits)))
          (local.set 381 (v128.not (local.get $bits))) (local.set 382 (v128.not (local.get $bits)))
          (local.set 383 (v128.not (local.get $bits))) (local.set 384 (v128.not (local.get $bits)))
          (local.set 385 (v128.not (local.get $bits))) (local.set 386 (v128.not (local.get $bits)))
          (local.set 387 (v128.not (local.get $bits))) (local.set 388 (v128.not (local.get $bits)))
          (local.set 389 (v128.not (local.get $bits))) (local.set 390 (v128.not (local.get $bits)))
          (local.set 391 (v128.not (local.get $bits))) (local.set 392 (v128.not (local.get $bits)))
          (local.set 393 (v128.not (local.get $bits))) (local.set 394 (v128.not (local.get $bits)))
          (local.set 395 (v128.not (local.get $bits))) (local.set 396 (v128.not (local.get $bits)))
          (local.set 397 (v128.not (local.get $bits))) (local.set 398 (v128.not (local.get $bits)))
          (local.set 399 (v128.not (local.get $bits))) (local.set 400 (v128.not (local.get $bits)))
          (local.set 401 (v128.not (local.get $bits))) (local.set 402 (v128.not (local.get $bits)))
          (local.set 403 (v128.not (local.get $bits))) (local.set 404 (v128.not (local.get $bits)))
          (local.set 405 (v128.not (local.get $bits))) (local.set 406 (v128.not (local.get $bits)))
          (local.set 407 (v128.not (local.get $bits))) (local.set 408 (v128.not (local.get $bits)))
          (local.set 409 (v128.not (local.get $bits))) (local.set 410 (v128.not (local.get $bits)))
          (local.set 411 (v128.not (local.get $bits))) (local.set 412 (v128.not (local.get $bits)))
          (local.set 413 (v128.not (local.get $bits))) (local.set 414 (v128.not (local.get $bits)))
          (local.set 415 (v128.not (local.get $bits))) (local.set 416 (v128.not (local.get $bits)))
          (local.set 417 (v128.not (local.get $bits))) (local.set 418 (v128.not (local.get $bits)))
          (local.set 419 (v128.not (local.get $bits))) (local.set 420 (v128.not (local.get $bits)))
          (local.set 421 (v128.not (local.get $bits))) (local.set 422 (v128.not (local.get $bits)))
          (local.set 423 (v128.not (local.get $bits))) (local.set 424 (v128.not (local.get $bits)))
          (local.set 425 (v128.not (local.get $bits))) (local.set 426 (v128.not (local.get $bits)))
          (local.set 427 (v128.not (local.get $bits))) (local.set 428 (v128.not (local.get $bits)))
          (local.set 429 (v128.not (local.get $bits))) (local.set 430 (v128.not (local.get $bits)))
          (local.set 431 (v128.not (local.get $bits))) (local.set 432 (v128.not (local.get $bits)))
          (local.set 433 (v128.not (local.get $bits))) (local.set 434 (v128.not (local.get $bits)))
          (local.set 435 (v128.not (local.get $bits))) (local.set 436 (v128.not (local.get $bits)))
          (local.set 437 (v128.not (local.get $bits))) (local.set 438 (v128.not (local.get $bits)))
          (local.set 439 (v128.not (local.get $bits))) (local.set 440 (v128.not (local.get $bits)))
          (local.set 441 (v128.not (local.get $bits))) (local.set 442 (v128.not (local.get $bits)))
          (local.set 443 (v128.not (local.get $bits))) (local.set 444 (v128.not (local.get $bits)))
          (local.set 445 (v128.not (local.get $bits))) (local.set 446 (v128.not (local.get $bits)))
          (local.set 447 (v128.not (local.get $bits))) (local.set 448 (v128.not (local.get $bits)))
          (local.set 449 (v128.not (local.get $bits))) (local.set 450 (v128.not (local.get $bits)))
          (local.set 451 (v128.not (local.get $bits))) (local.set 452 (v128.not (local.get $bits)))
          (local.set 453 (v128.not (local.get $bits))) (local.set 454 (v128.not (local.get $bits)))
          (local.set 455 (v128.not (local.get $bits))) (local.set 456 (v128.not (local.get $bits)))
          (local.set 457 (v128.not (local.get $bits))) (local.set 458 (v128.not (local.get $bits)))
          (local.set 459 (v128.not (local.get $bits))) (local.set 460 (v128.not (local.get $bits)))
          (local.set 461 (v128.not (local.get $bits))) (local.set 462 (v128.not (local.get $bits)))
          (local.set 463 (v128.not (local.get $bits))) (local.set 464 (v128.not (local.get $bits)))
          (local.set 465 (v128.not (local.get $bits))) (local.set 466 (v128.not (local.get $bits)))
          (local.set 467 (v128.not (local.get $bits))) (local.set 468 (v128.not (local.get $bits)))
          (local.set 469 (v128.not (local.get $bits))) (local.set 470 (v128.not (local.get $bits)))
          (local.set 471 (v128.not (local.get $bits))) (local.set 472 (v128.not (local.get $bits)))
          (local.set 473 (v128.not (local.get $bits))) (local.set 474 (v128.not (local.get $bits)))
          (local.set 475 (v128.not (local.get $bits))) (local.set 476 (v128.not (local.get $bits)))
          (local.set 477 (v128.not (local.get $bits))) (local.set 478 (v128.not (local.get $bits)))
          (local.set 479 (v128.not (local.get $bits))) (local.set 480 (v128.not (local.get $bits)))
          (local.set 481 (v128.not (local.get $bits))) (local.set 482 (v128.not (local.get $bits)))
          (local.set $pc (i32.const 1))
          (br $again))
        local.get $sum local.get 3 i64.add local.get 4 i64.add local.get 5 i64.add local.get 6 i64.add
        local.get 7 i64.add local.get 8 i64.add local.get 9 i64.add local.get 10 i64.add local.get 11 i64.add
        local.get 12 i64.add local.get 13 i64.add local.get 14 i64.add local.get 15 i64.add local.get 16 i64.add
        local.get 17 i64.add local.get 18 i64.add local.get 19 i64.add local.get 20 i64.add local.get 21 i64.add
        local.get 22 i64.add local.get 23 i64.add local.get 24 i64.add local.get 25 i64.add local.get 26 i64.add
        local.get 27 i64.add local.get 28 i64.add local.get 29 i64.add local.get 30 i64.add local.get 31 i64.add
        local.get 32 i64.add local.get 33 i64.add local.get 34 i64.add local.get 35 i64.add local.get 36 i64.add
        local.get 37 i64.add local.get 38 i64.add local.get 39 i64.add local.get 40 i64.add local.get 41 i64.add
        local.get 42 i64.add local.get 43 i64.add local.get 44 i64.add local.get 45 i64.add local.get 46 i64.add
        local.get 47 i64.add local.get 48 i64.add local.get 49 i64.add local.get 50 i64.add local.get 51 i64.add
        local.get 52 i64.add local.get 53 i64.add local.get 54 i64.add local.get 55 i64.add local.get 56 i64.add
        local.get 57 i64.add local.get 58 i64.add local.get 59 i64.add local.get 60 i64.add local.get 61 i64.add
        local.get 62 i64.add local.get 63 i64.add local.get 64 i64.add local.get 65 i64.add local.get 66 i64.add
        local.get 67 i64.add local.get 68 i64.add local.get 69 i64.add local.get 70 i64.add local.get 71 i64.add
        local.get 72 i64.add local.get 73 i64.add local.get 74 i64.add local.get 75 i64.add local.get 76 i64.add
        local.get 77 i64.add local.get 78 i64.add local.get 79 i64.add local.get 80 i64.add local.get 81 i64.add
        local.get 82 i64.add local.get 83 i64.add local.get 84 i64.add local.get 85 i64.add local.get 86 i64.add
        local.get 87 i64.add local.get 88 i64.add local.get 89 i64.add local.get 90 i64.add local.get 91 i64.add
        local.get 92 i64.add local.get 93 i64.add local.get 94 i64.add local.get 95 i64.add local.get 96 i64.add
        local.get 97 i64.add local.get 98 i64.add local.get 99 i64.add local.get 100 i64.add local.get 101 i64.add
        local.get 102 i64.add local.get 103 i64.add local.get 104 i64.add local.get 105 i64.add local.get 106 i64.add
        local.get 107 i64.add local.get 108 i64.add local.get 109 i64.add local.get 110 i64.add local.get 111 i64.add
        local.get 112 i64.add local.get 113 i64.add local.get 114 i64.add local.get 115 i64.add local.get 116 i64.add
        local.get 117 i64.add local.get 118 i64.add local.get 119 i64.add local.get 120 i64.add local.get 121 i64.add
        local.get 122 i64.add local.get 123 i64.add local.get 124 i64.add local.get 125 i64.add local.get 126 i64.add
        local.get 127 i64.add local.get 128 i64.add local.get 129 i64.add local.get 130 i64.add local.get 131 i64.add
        local.get 132 i64.add local.get 133 i64.add local.get 134 i64.add local.get 135 i64.add local.get 136 i64.add
        local.get 137 i64.add local.get 138 i64.add local.get 139 i64.add local.get 140 i64.add local.get 141 i64.add
        local.get 142 i64.add local.get 143 i64.add local.get 144 i64.add local.get 145 i64.add local.get 146 i64.add
        local.get 147 i64.add local.get 148 i64.add local.get 149 i64.add local.get 150 i64.add local.get 151 i64.add
        local.get 152 i64.add local.get 153 i64.add local.get 154 i64.add local.get 155 i64.add local.get 156 i64.add
        local.get 157 i64.add local.get 158 i64.add local.get 159 i64.add local.get 160 i64.add local.get 161 i64.add
        local.get 162 i64.add local.get 163 i64.add local.get 164 i64.add local.get 165 i64.add local.get 166 i64.add
        local.get 167 i64.add local.get 168 i64.add local.get 169 i64.add local.get 170 i64.add local.get 171 i64.add
        local.get 172 i64.add local.get 173 i64.add local.get 174 i64.add local.get 175 i64.add local.get 176 i64.add
        local.get 177 i64.add local.get 178 i64.add local.get 179 i64.add local.get 180 i64.add local.get 181 i64.add
        local.get 182 i64.add local.get 183 i64.add local.get 184 i64.add local.get 185 i64.add local.get 186 i64.add
        local.get 187 i64.add local.get 188 i64.add local.get 189 i64.add local.get 190 i64.add local.get 191 i64.add
        local.get 192 i64.add local.get 193 i64.add local.get 194 i64.add local.get 195 i64.add local.get 196 i64.add
        local.get 197 i64.add local.get 198 i64.add local.get 199 i64.add local.get 200 i64.add local.get 201 i64.add
        local.get 202 i64.add local.get 203 i64.add local.get 204 i64.add local.get 205 i64.add local.get 206 i64.add
        local.get 207 i64.add local.get 208 i64.add local.get 209 i64.add local.get 210 i64.add local.get 211 i64.add
        local.get 212 i64.add local.get 213 i64.add local.get 214 i64.add local.get 215 i64.add local.get 216 i64.add
        local.get 217 i64.add local.get 218 i64.add local.get 219 i64.add local.get 220 i64.add local.get 221 i64.add
        local.get 222 i64.add local.get 223 i64.add local.get 224 i64.add local.get 225 i64.add local.get 226 i64.add
        local.get 227 i64.add local.get 228 i64.add local.get 229 i64.add local.get 230 i64.add local.get 231 i64.add
        local.get 232 i64.add local.get 233 i64.add local.get 234 i64.add local.get 235 i64.add local.get 236 i64.add
        local.get 237 i64.add local.get 238 i64.add local.get 239 i64.add local.get 240 i64.add local.get 241 i64.add
        local.get 242 i64.add
        local.set $sum
        local.get $bits local.get 243 v128.or local.get 244 v128.or local.get 245 v128.or local.get 246 v128.or
        local.get 247 v128.or local.get 248 v128.or local.get 249 v128.or local.get 250 v128.or local.get 251 v128.or
        local.get 252 v128.or local.get 253 v128.or local.get 254 v128.or local.get 255 v128.or local.get 256 v128.or
        local.get 257 v128.or local.get 258 v128.or local.get 259 v128.or local.get 260 v128.or local.get 261 v128.or
        local.get 262 v128.or local.get 263 v128.or local.get 264 v128.or local.get 265 v128.or local.get 266 v128.or
        local.get 267 v128.or local.get 268 v128.or local.get 269 v128.or local.get 270 v128.or local.get 271 v128.or
        local.get 272 v128.or local.get 273 v128.or local.get 274 v128.or local.get 275 v128.or local.get 276 v128.or
        local.get 277 v128.or local.get 278 v128.or local.get 279 v128.or local.get 280 v128.or local.get 281 v128.or
        local.get 282 v128.or local.get 283 v128.or local.get 284 v128.or local.get 285 v128.or local.get 286 v128.or
        local.get 287 v128.or local.get 288 v128.or local.get 289 v128.or local.get 290 v128.or local.get 291 v128.or
        local.get 292 v128.or local.get 293 v128.or local.get 294 v128.or local.get 295 v128.or local.get 296 v128.or
        local.get 297 v128.or local.get 298 v128.or local.get 299 v128.or local.get 300 v128.or local.get 301 v128.or
        local.get 302 v128.or local.get 303 v128.or local.get 304 v128.or local.get 305 v128.or local.get 306 v128.or
        local.get 307 v128.or local.get 308 v128.or local.get 309 v128.or local.get 310 v128.or local.get 311 v128.or
        local.get 312 v128.or local.get 313 v128.or local.get 314 v128.or local.get 315 v128.or local.get 316 v128.or
        local.get 317 v128.or local.get 318 v128.or local.get 319 v128.or local.get 320 v128.or local.get 321 v128.or
        local.get 322 v128.or local.get 323 v128.or local.get 324 v128.or local.get 325 v128.or local.get 326 v128.or
        local.get 327 v128.or local.get 328 v128.or local.get 329 v128.or local.get 330 v128.or local.get 331 v128.or
        local.get 332 v128.or local.get 333 v128.or local.get 334 v128.or local.get 335 v128.or local.get 336 v128.or
        local.get 337 v128.or local.get 338 v128.or local.get 339 v128.or local.get 340 v128.or local.get 341 v128.or
        local.get 342 v128.or local.get 343 v128.or local.get 344 v128.or local.get 345 v128.or local.get 346 v128.or
        local.get 347 v128.or local.get 348 v128.or local.get 349 v128.or local.get 350 v128.or local.get 351 v128.or
        local.get 352 v128.or local.get 353 v128.or local.get 354 v128.or local.get 355 v128.or local.get 356 v128.or
        local.get 357 v128.or local.get 358 v128.or local.get 359 v128.or local.get 360 v128.or local.get 361 v128.or
        local.get 362 v128.or local.get 363 v128.or local.get 364 v128.or local.get 365 v128.or local.get 366 v128.or
        local.get 367 v128.or local.get 368 v128.or local.get 369 v128.or local.get 370 v128.or local.get 371 v128.or
        local.get 372 v128.or local.get 373 v128.or local.get 374 v128.or local.get 375 v128.or local.get 376 v128.or
        local.get 377 v128.or local.get 378 v128.or local.get 379 v128.or local.get 380 v128.or local.get 381 v128.or
        local.get 382 v128.or local.get 383 v128.or local.get 384 v128.or local.get 385 v128.or local.get 386 v128.or
        local.get 387 v128.or local.get 388 v128.or local.get 389 v128.or local.get 390 v128.or local.get 391 v128.or
        local.get 392 v128.or local.get 393 v128.or local.get 394 v128.or local.get 395 v128.or local.get 396 v128.or
        local.get 397 v128.or local.get 398 v128.or local.get 399 v128.or local.get 400 v128.or local.get 401 v128.or
        local.get 402 v128.or local.get 403 v128.or local.get 404 v128.or local.get 405 v128.or local.get 406 v128.or
        local.get 407 v128.or local.get 408 v128.or local.get 409 v128.or local.get 410 v128.or local.get 411 v128.or
        local.get 412 v128.or local.get 413 v128.or local.get 414 v128.or local.get 415 v128.or local.get 416 v128.or
        local.get 417 v128.or local.get 418 v128.or local.get 419 v128.or local.get 420 v128.or local.get 421 v128.or
        local.get 422 v128.or local.get 423 v128.or local.get 424 v128.or local.get 425 v128.or local.get 426 v128.or
        local.get 427 v128.or local.get 428 v128.or local.get 429 v128.or local.get 430 v128.or local.get 431 v128.or
        local.get 432 v128.or local.get 433 v128.or local.get 434 v128.or local.get 435 v128.or local.get 436 v128.or
        local.get 437 v128.or local.get 438 v128.or local.get 439 v128.or local.get 440 v128.or local.get 441 v128.or
        local.get 442 v128.or local.get 443 v128.or local.get 444 v128.or local.get 445 v128.or local.get 446 v128.or
        local.get 447 v128.or local.get 448 v128.or local.get 449 v128.or local.get 450 v128.or local.get 451 v128.or
        local.get 452 v128.or local.get 453 v128.or local.get 454 v128.or local.get 455 v128.or local.get 456 v128.or
        local.get 457 v128.or local.get 458 v128.or local.get 459 v128.or local.get 460 v128.or local.get 461 v128.or
        local.get 462 v128.or local.get 463 v128.or local.get 464 v128.or local.get 465 v128.or local.get 466 v128.or
        local.get 467 v128.or local.get 468 v128.or local.get 469 v128.or local.get 470 v128.or local.get 471 v128.or
        local.get 472 v128.or local.get 473 v128.or local.get 474 v128.or local.get 475 v128.or local.get 476 v128.or
        local.get 477 v128.or local.get 478 v128.or local.get 479 v128.or local.get 480 v128.or local.get 481 v128.or
        local.get 482 v128.or
        local.set $bits
        (br $done)))
    (local.get $sum) (v128.any_true (local.get $bits)))
)
(assert_return (invoke "run" (i32.const 0)) (i64.const -240) (i32.const 1))
(assert_return (invoke "run" (i32.const 1)) (i64.const 0) (i32.const 0))
(assert_return (invoke "run" (i32.const 7)) (i64.const 0) (i32.const 0))
