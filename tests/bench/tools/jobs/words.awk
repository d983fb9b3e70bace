# The hundred commonest words of a text, and the mean length of its lines.
{
    total += length($0)
    line = tolower($0)
    gsub(/[^a-z ]/, " ", line)
    n = split(line, word, " ")
    for (i = 1; i <= n; i++)
        count[word[i]]++
}
END {
    for (w in count)
        if (count[w] > 50)
            order[++m] = sprintf("%06d %s", count[w], w)
    for (i = 2; i <= m; i++) {
        v = order[i]
        for (j = i - 1; j >= 1 && order[j] < v; j--)
            order[j + 1] = order[j]
        order[j + 1] = v
    }
    for (i = 1; i <= 100 && i <= m; i++)
        print order[i]
    printf "%.3f\n", total / NR
}
